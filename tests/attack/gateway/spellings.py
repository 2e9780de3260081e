"""About three hundred ways to write a path so that two readers see two different ones."""

from __future__ import annotations

SEGMENTS = (
    "//", "///", "/./", "/../", "/.", "/..", "/.../", "/x/../", "/./../", "/..//", "/.%2e/", "/%2e./", "/%2e%2e/",
    "/%2e/", "/%2E%2E/", "/%2e", "/x%2e", "/%252e%252e/", "/%25%32%65/", "/%2f", "/%2F", "/%2f%2f", "/..%2f", "/..%2F",
    "/%2e%2e%2f", "/%5c", "/%5C", "/..%5c", "/%2e%2e%5c", "/%255c", "/%252f", "/%c0%af", "/%c0%ae%c0%ae/",
    "/%e0%80%af", "/%f0%80%80%af", "/%c1%9c", "/%c0%2f", "/%uff0e%uff0e/", "/%u002e%u002e/", "/%u2215", "/%ef%bc%8f",
    "/%ef%bc%8e%ef%bc%8e/", "/%ef%b9%92", "/%e2%80%a5/", "/%00", "/%00/", "/x%00", "/%0a", "/%0d%0a", "/%09",
    "/%7f", "/%1f", "/%80", "/%ff", "/%c3", "/%c3%28", "/%ed%a0%80", "/%f4%90%80%80", "/%e2%80%8b", "/%c2%85",
    "/;", "/;x", "/;/", "/..;/", "/..;x=1/", "/.;/", "/;%2f..%2f", "/x;jsessionid=1", "/%3b", "/%3B/", "/..%3b/",
    "/#", "/x#", "/#/../", "/%23", "/x%23/", "/%3f", "/%3F/", "/\\", "/..\\", "/x\\y", "\\", "/.\\./",
    "/%", "/%2", "/%g0", "/%zz", "/%%", "/%%32%65", "/%2%65", "/%61", "/%41", "/%2d", "/%5f", "/%7e", "/%30",
    "/%25", "/100%25", "/%25%2e", "/x.", "/x./", "/x../", "/..", "/.", "/x/.", "/x/..", "/x//", "/x//y", "/{x}",
    "/<x>", '/"x"', "/x|y", "/x^y", "/x`y", "/[x]", "/x y", "/x\ty", "/x\x0by", "/x\x7fy", "/é", "/\u2215", "/\xa0",
)  # fmt: skip
HARMLESS = (
    "/x", "/x/y", "/x/", "/a-b_c~d", "/a.b", "/.well-known/x", "/a..b", "/x:y", "/x@y", "/x,y", "/x=y", "/x+y",
    "/x'y", "/(x)", "/x*", "/x!", "/$x", "/x&y", "/%20", "/x%20y", "/%C3%A9", "/%E2%82%AC", "/%5B1%5D", "/%22x%22",
    "/%3C%3E", "/%7Bx%7D", "/%2C", "/%26", "/%3D", "/%40", "/%F0%9F%98%80",
)  # fmt: skip
WHOLE = (
    "http://localhost:8000/admin", "http://evil.test/admin", "HTTP://localhost:8000/x", "//localhost:8000/admin",
    "///admin", "/\\localhost/admin", "\\admin", "admin", "*", "localhost:8000", "?x", "#x", "/public/../admin",
    "/public/..%2fadmin", "/public/..%2Fadmin", "/public/%2e%2e/admin", "/public/..;/admin", "/public//admin/..",
    "/./admin", "/%2e/admin", "//admin", "/x/..//admin", "/%61dmin", "/%41dmin", "/a%64min", "/admin%2f", "/admin%2f..",
    "/admin;", "/admin;x=/public", "/admin%3b", "/admin#/public", "/admin%23", "/admin%00", "/admin%00/public",
    "/admin%0a", "/admin%09", "/admin/.", "/admin/./x", "/admin/..", "/admin.", "/admin./x", "/admin%2e",
    "/ADMIN", "/Admin/x", "/aDmIn/", "/API/x", "/Api", "/admin\\x", "/admin\\..\\public", "/admin%5cx", "/\tadmin",
    "/admin\x00", "/admin\x0b", "/.%00./admin", "/%u0061dmin", "/adm%C4%B1n%2e",
    "/%ef%bc%8fadmin", "/public/%252e%252e/admin",
    "/public/%2e%2e%2fadmin", "/public/.%2e/admin", "/public/%2e./admin", "/public/..%5cadmin", "/public/..%c0%afadmin",
)  # fmt: skip
PREFIXES = ("", "/public", "/api")


def refused_targets() -> list[str]:
    """Every target that has more than one reading, or none."""
    return list(dict.fromkeys([*WHOLE, *(prefix + segment for prefix in PREFIXES for segment in SEGMENTS)]))


def accepted_targets() -> list[str]:
    """Targets with one reading."""
    return [prefix + segment for prefix in PREFIXES for segment in HARMLESS]
