"""
Commands to paste into another terminal. They hold no secret: they load the file of credentials.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path

from watchword.cli.quickstart.applications import PRODUCTS, USER_DATA, Part
from watchword.cli.quickstart.places import HOST, MANAGEMENT, SHOPPING, Places
from watchword.cli.quickstart.shopping import BOTH
from watchword.server.domain.names import MANAGEMENT_SCOPE

CURL_PRODUCTS, NODE_PRODUCTS, CURL_MANAGEMENT = "curl_products", "node_products", "curl_management"

_CURL = r"""
. {credentials} &&
TOKEN=$({curl} --silent --user "${variable}_ID:${variable}_SECRET" \
  --data-urlencode 'grant_type=client_credentials' \
  --data-urlencode 'resource={resource}' \
  --data-urlencode 'scope={scope}' \
  {token_endpoint} | sed 's/.*"access_token": *"\([^"]*\)".*/\1/') &&
{curl} --header "Authorization: Bearer $TOKEN" {url}
"""

_NODE = r"""
. {credentials} &&
node --input-type=module -e '
const {{ {variable}_ID: id, {variable}_SECRET: secret }} = process.env;
const answer = await fetch("{token_endpoint}", {{
  method: "POST",
  headers: {{ Authorization: `Basic ${{Buffer.from(`${{id}}:${{secret}}`).toString("base64")}}` }},
  body: new URLSearchParams({{
    grant_type: "client_credentials",
    resource: "{resource}",
    scope: "{scope}",
  }}),
}});
const {{ access_token }} = await answer.json();
const products = await fetch("{url}", {{
  headers: {{ Authorization: `Bearer ${{access_token}}` }},
}});
console.log(await products.json());
'
"""


def paste_commands(places: Places, credentials: Path, environment: Mapping[str, str]) -> dict[str, str]:
    """
    Write the commands for this run, by name.

    Args:
        environment: Says whether curl would send what is meant for this machine to a proxy.
    """
    curl = "curl --noproxy '*'" if _goes_through_proxy(environment) else "curl"
    products = _fields(PRODUCTS, places, SHOPPING, BOTH, places.products)
    management = _fields(USER_DATA, places, MANAGEMENT, MANAGEMENT_SCOPE, f"{places.management_api}/applications")
    loads = {"credentials": shlex.quote(str(credentials)), "curl": curl}
    return {
        CURL_PRODUCTS: _CURL.format(**products, **loads).strip(),
        NODE_PRODUCTS: _NODE.format(**products, **loads).strip(),
        CURL_MANAGEMENT: _CURL.format(**management, **loads).strip(),
    }


def _fields(part: Part, places: Places, resource: str, scope: str, url: str) -> dict[str, str]:
    return {
        "variable": part.variable,
        "token_endpoint": places.token_endpoint,
        "resource": resource,
        "scope": scope,
        "url": url,
    }


def _goes_through_proxy(environment: Mapping[str, str]) -> bool:
    lower = {name.lower(): value for name, value in environment.items() if value}
    if not {"http_proxy", "all_proxy"} & lower.keys():
        return False
    return not {HOST, "*"} & {entry.strip() for entry in lower.get("no_proxy", "").split(",")}
