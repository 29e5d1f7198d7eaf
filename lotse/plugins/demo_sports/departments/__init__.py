"""The twelve departments, a file each, with its category and its models. Data only: `assortment` makes the products."""

from lotse.plugins.demo_sports.departments import (
    cycling,
    fitness,
    football,
    hiking,
    kids,
    nutrition,
    outdoor,
    rackets,
    running,
    snow,
    swimming,
    team,
)
from lotse.plugins.demo_sports.departments.shape import Department

DEPARTMENTS: tuple[Department, ...] = tuple(
    module.DEPARTMENT
    for module in (
        running,
        football,
        hiking,
        cycling,
        snow,
        outdoor,
        fitness,
        rackets,
        swimming,
        team,
        kids,
        nutrition,
    )
)
