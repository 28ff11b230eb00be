"""Uses the client that was generated from openapi.yaml: issue, create, preview, redeem, license, statement, import.

A code goes from a partner to a site, and every answer is read through the client's own types. The generator's warnings
are compared with those that are known, so that a route which it cannot generate is noticed.
"""

import io
import json
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

VENV = Path(sys.argv[1])
sys.path.insert(0, str(VENV))

from site_credits.api.license_ import get_license, get_statement, preview_code, redeem_code  # noqa: E402
from site_credits.api.partners import issue_batch  # noqa: E402
from site_credits.api.sites import create_site  # noqa: E402
from site_credits.api.users import import_users  # noqa: E402
from site_credits.client import AuthenticatedClient  # noqa: E402
from site_credits.models import (  # noqa: E402
    IssuedBatch,
    NewBatchBody,
    NewSiteBody,
    PreviewBody,
    Problem,
    Recharge,
    RedemptionBody,
    SiteType,
)
from site_credits.types import File  # noqa: E402

STARTED_WITHIN_SECONDS = 30
# The generator has no class for a YAML document, and takes the import's other media type instead of text/csv.
KNOWN_WARNINGS = {"GET /openapi.yaml", "POST /sites/{site_id}/users/import"}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def token(url: str, claims: dict) -> str:
    request = urllib.request.Request(f"{url}/_local/token", json.dumps(claims).encode())
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["access_token"]


def wait_until_started(url: str, server: subprocess.Popen) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{url}/openapi.yaml").close()
            return
        except urllib.error.URLError:
            if server.poll() is not None or time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def raw(client: AuthenticatedClient, path: str) -> dict:
    """An answer as it came: the client's types would write an instant in another spelling than the one that is hashed."""
    return client.get_httpx_client().get(path).raise_for_status().json()


def verify(license_: dict, statement: dict) -> None:
    """Runs the page of docs/DATA_MODEL.md that verifies a statement: on this one, and on it without its last entry."""
    page = re.search(r"```python\n(.*?)```", Path("docs/DATA_MODEL.md").read_text(), re.DOTALL).group(1)
    cut_off = {**statement, "entries": statement["entries"][:-1]}
    head = [str(license_["sequence"]), license_["last_hash"]]

    def run(statement: dict, *head: str) -> tuple[bool, str]:
        command = [sys.executable, "-c", page, *head]
        ran = subprocess.run(command, input=json.dumps(statement), capture_output=True, text=True)
        return ran.returncode == 0, ran.stdout + ran.stderr

    for arguments in [(statement,), (statement, *head), (cut_off,)]:
        verified, said = run(*arguments)
        assert verified, said
    verified, said = run(cut_off, *head)
    assert not verified and "the end is missing" in said, said
    verified, said = run(statement, head[0], "0" * 64)
    assert not verified and "is not the one" in said, said
    changed = json.loads(json.dumps(statement))
    changed["entries"][0]["balances"]["credits"] += 1
    verified, said = run(changed)
    assert not verified and "was changed" in said, said


def journey(url: str) -> None:
    def client(claims: dict) -> AuthenticatedClient:
        return AuthenticatedClient(base_url=url, token=token(url, claims), raise_on_unexpected_status=True)

    acme, kim = client({"partner_id": "acme"}), client({"email": "kim@example.com"})

    batch = issue_batch.sync("acme", client=acme, body=NewBatchBody(credits_=10, count=1), idempotency_key="issue")
    assert isinstance(batch, IssuedBatch), batch
    again = issue_batch.sync("acme", client=acme, body=NewBatchBody(credits_=10, count=1), idempotency_key="issue")
    assert again == batch, again
    [code] = batch.codes

    body = NewSiteBody(name="Harbour Gym", country="AT", site_type=SiteType.DYNAMIC)
    site_id = create_site.sync(client=kim, body=body).site.site_id

    preview = preview_code.sync(site_id, client=kim, body=PreviewBody(code=code.lower(), recharge=Recharge.CREDITS))
    assert (preview.before.balances.credits_, preview.after.balances.credits_) == (0, 10), preview

    redemption = redeem_code.sync(site_id, client=kim, body=RedemptionBody(code=code), idempotency_key="redeem")
    assert redemption.entry.balances.credits_ == 10, redemption
    refused = redeem_code.sync(site_id, client=kim, body=RedemptionBody(code=code), idempotency_key="again")
    assert isinstance(refused, Problem) and refused.code.value == "code-already-applied", refused

    assert get_license.sync(site_id, client=kim).balances.credits_ == 10
    kinds = [entry.kind for entry in get_statement.sync(site_id, client=kim).entries]
    assert kinds == ["site_creation", "redemption"], kinds

    verify(raw(kim, f"/sites/{site_id}/license"), raw(kim, f"/sites/{site_id}/license/statement"))

    users = File(payload=io.BytesIO("name,kind\nEva Huber,visitor\nEva Huber\x00,visitor\n".encode()))
    imported = import_users.sync(site_id, client=kim, body=users)
    assert [line.code for line in imported.lines] == [None, "malformed-request"], imported


def check_warnings() -> None:
    log = (VENV / "generated.log").read_text()
    warned = set(re.findall(r"WARNING parsing (\S+ \S+) within", log))
    assert warned <= KNOWN_WARNINGS, f"the generator warns of {warned - KNOWN_WARNINGS}:\n{log}"


def main() -> None:
    check_warnings()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as data:
        command = ["target/debug/site-credits", "serve", "--no-demo", "--port", str(port), "--data", data]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_until_started(url, server)
            journey(url)
        finally:
            server.terminate()
            server.wait()
    print("the generated client: passed")


main()
