# Varnish before Lotse, for Debian's varnish and varnish-modules (vmod xkey). See docs/operations/varnish.md.
#   varnishd -a :6081 -f /etc/varnish/lotse.vcl -s malloc,1g -p http_gzip_support=off
vcl 4.1;

import std;
import xkey;

backend lotse {
    .host = "127.0.0.1";
    .port = "8000";
    .probe = {
        .url = "/ready";
        .interval = 1s;
        .timeout = 2s;
        .window = 5;
        .threshold = 3;
    }
}

# Who may throw pages away.
acl purgers {
    "localhost";
}

sub vcl_recv {
    if (req.method == "PURGE") {
        if (client.ip !~ purgers) {
            return (synth(405, "Not allowed"));
        }
        # `Surrogate-Key: catalog.ProductChanged:… pricing.PriceChanged` throws away all that shows one of these.
        set req.http.X-Purged = xkey.purge(req.http.Surrogate-Key);
        return (synth(200, "Purged " + req.http.X-Purged));
    }
    # Only Varnish may speak of the cache to Lotse, and of the visitor.
    unset req.http.Surrogate-Capability;
    unset req.http.X-Forwarded-For;
    set req.http.X-Forwarded-For = client.ip;
    if (!req.http.X-Forwarded-Proto) {
        set req.http.X-Forwarded-Proto = "http";
    }
    if (req.method != "GET" && req.method != "HEAD") {
        return (pass);
    }
    # Staff, a form that came back, and visitors whose visit is known by a number (they take part in experiments).
    if (req.http.Cookie ~ "(^|; *)lotse_(staff|draft|half|away|visitor|visit)=") {
        return (pass);
    }
    # Home, departments, products, what is new, pages of the house, with or without a language before them; all else is asked for as it is.
    if (req.url !~ "^(/[a-z][a-z])?/?($|\?|(p|c|info)/|new($|\?))" || req.http.HX-Request) {
        return (pass);
    }
    # What Lotse makes another page for is told apart by few values: the language of the cookie, else the browser's.
    if (req.http.Cookie ~ "(^|; *)lotse_language=[a-z][a-z]") {
        set req.http.Cookie = "lotse_language=" + regsub(req.http.Cookie, "^.*lotse_language=([a-z][a-z]).*$", "\1");
    } else {
        unset req.http.Cookie;
        # An address with a language chooses it for the pages after it; said here, so that the page is everybody's.
        if (req.url ~ "^/[a-z][a-z](/|$|\?)") {
            set req.http.X-Chosen = regsub(req.url, "^/([a-z][a-z]).*$", "\1");
            set req.http.Cookie = "lotse_language=" + req.http.X-Chosen;
        }
    }
    set req.http.Accept-Language = regsub(std.tolower(req.http.Accept-Language), "^ *([a-z][a-z]).*$", "\1");
    if (req.http.Accept-Encoding ~ "zstd") {
        set req.http.Accept-Encoding = "zstd";
    } elsif (req.http.Accept-Encoding ~ "br") {
        set req.http.Accept-Encoding = "br";
    } elsif (req.http.Accept-Encoding ~ "gzip") {
        set req.http.Accept-Encoding = "gzip";
    } else {
        unset req.http.Accept-Encoding;
    }
    # While Lotse answers nothing stale is shown; while it does not, what was seen in the last ten minutes is.
    if (std.healthy(req.backend_hint)) {
        set req.grace = 0s;
    }
    return (hash);
}

sub vcl_backend_fetch {
    # Tells Lotse that the answer "still the same" will be understood.
    set bereq.http.Surrogate-Capability = "varnish=Surrogate/1.0";
}

sub vcl_backend_response {
    if (beresp.http.Surrogate-Key && !beresp.http.Set-Cookie && beresp.status == 200) {
        # Cache-Control says for how long (s-maxage, a second); then Varnish asks whether it is still the same.
        set beresp.http.xkey = beresp.http.Surrogate-Key;
        set beresp.grace = 10m;
        set beresp.keep = 10m;
    } elsif (bereq.uncacheable || beresp.http.Set-Cookie || beresp.status != 200) {
        set beresp.uncacheable = true;
        set beresp.ttl = 0s;
    } else {
        # Personal, or not known to be everybody's. Asked for again, and not one after the other.
        set beresp.uncacheable = true;
        set beresp.ttl = 30s;
    }
    return (deliver);
}

sub vcl_deliver {
    if (resp.http.Surrogate-Key) {
        # Nobody behind this one hears of changes.
        set resp.http.Cache-Control = "private, no-cache";
        unset resp.http.Surrogate-Key;
        unset resp.http.xkey;
        unset resp.http.Age;
        if (req.http.X-Chosen) {
            set resp.http.Set-Cookie = "lotse_language=" + req.http.X-Chosen + "; Max-Age=31536000; Path=/; SameSite=lax";
        }
    }
    unset resp.http.Via;
    unset resp.http.X-Varnish;
    if (obj.hits > 0) {
        set resp.http.X-Cache = "hit";
    } else {
        set resp.http.X-Cache = "miss";
    }
    return (deliver);
}
