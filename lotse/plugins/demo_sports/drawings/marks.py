"""The marks of the invented brands: small shapes, about 40 units wide around (0, 0)."""

# ruff: noqa: E501 - an outline is one thing: breaking its numbers over lines makes it no easier to read

MARKS: dict[str, str] = {
    "tolvaro": "M-22,11 L-6,-11 H6 L-10,11Z M-2,11 L10,-6 H20 L8,11Z",
    "bolzplan": "M0,-18 L16,-9 V9 L0,18 L-16,9 V-9Z M0,-9 L-8,-4.5 V4.5 L0,9 L8,4.5 V-4.5Z",
    "saitenwind": "M-20,10 Q0,-22 20,-10 Q2,-12 -12,10Z M-6,12 Q6,-8 20,-3 Q10,-2 2,12Z M8,13 Q13,3 20,4 Q16,7 15,13Z",
    "fernhang": "M-22,13 L-5,-14 L3,-2 L8,-9 L22,13 H9 L3,4 L-2,13Z",
    "firnquist": "M0,-19 L5,-5 L19,0 L5,5 L0,19 L-5,5 L-19,0 L-5,-5Z",
    "radovelt": "M-19,8 A19,19 0 0 1 19,8 H11 A11,11 0 0 0 -11,8Z M-4,8 A4,4 0 0 1 4,8Z",
    "brackwind": "M-21,-2 Q-14,-12 -6,-3 T8,-3 T21,-6 Q15,6 7,4 T-7,4 T-21,6Z",
    "hantorra": "M-20,-13 H-12 V-4 H12 V-13 H20 V13 H12 V4 H-12 V13 H-20Z",
    "nebelhain": "M0,-19 L11,-3 H5 L14,10 H3 V18 H-3 V10 H-14 L-5,-3 H-11Z",
    "zwergenspurt": "M0,-17 A17,17 0 1 1 -0.1,-17Z M-9,2 A9,9 0 0 0 9,2 L4,2 A4,4 0 0 1 -4,2Z",
    "dreierfeld": "M-20,12 V-2 L-8,-12 V12Z M-5,12 V-12 H5 V12Z M8,12 V-12 L20,-2 V12Z",
    "haferfunk": "M0,20 C-4,8 -14,6 -15,-8 C-6,-6 -1,0 0,6 C1,0 6,-6 15,-8 C14,6 4,8 0,20Z M0,-20 L5,-12 L0,-4 L-5,-12Z",
    "seitenstich": "M-14,-14 H14 V-6 H-6 V-2 H14 V14 H-14 V6 H6 V2 H-14Z",
    "wellenkamm": "M-22,11 C-16,9 -13,-11 -5,-13 C-7,-3 -2,3 3,3 C3,-3 6,-7 11,-8 C9,1 14,10 22,11Z",
}
