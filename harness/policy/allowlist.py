"""Says a policy's hosts in the words of the `Connection-Allowlist` header, which Chromium enforces since 152.

It is depth and not the boundary: a page that may not connect somewhere is stopped inside the browser already,
before the gateway hears of it. So it must never be narrower than the policy: paths are left to the gateway,
and there is no header where the gateway must hear of what lies outside.
"""

from harness.policy.schema import Policy

LONGEST = 8_192
"""Characters of a header; a policy with more hosts has none."""


def connection_allowlist(policy: Policy) -> str | None:
    """Give the header's value; nothing where it cannot say what the policy allows.

    That is so if pages outside may be asked for or end the run, or if a rule might end it because of a
    request: the gateway has to hear of those. Redirects stay allowed, for each hop is judged there.
    """
    stops = any(rule.verdict == "stop" and {"request", "navigate"} & set(rule.on) for rule in policy.rules)
    if stops or policy.default.navigate != "deny":
        return None
    places: dict[str, None] = {}
    for pattern in policy.domains.loaded.patterns:
        if pattern.host.startswith("["):
            return None
        name = f"*.{pattern.host}" if pattern.wild else pattern.host
        for scheme, port in sorted(pattern.ends):
            usual = {"https": 443, "wss": 443, "http": 80, "ws": 80}[scheme] == port
            places[f'"{scheme}://{name}{"" if usual else f":{port}"}"'] = None
    value = f"({' '.join(['response-origin', *places])});redirects=allow"
    return value if len(value) <= LONGEST else None
