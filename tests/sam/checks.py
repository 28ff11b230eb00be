"""Checks what SAM makes of the template: its roles, its build, and every function in a container of Lambda's kind.

The functions work on the table of the local server, whose engine they reach over HTTP as they would reach DynamoDB.
After each invocation the books are read from that server and compared with what the invocation should have changed.

It is run by `run`, with the Python of the tools in .venv, after the set-up.
"""

import contextlib
import copy
import datetime
import errno
import fnmatch
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]
# What the tools say goes here, and the end of it to the terminal when one of them fails.
LOG = ROOT / ".local" / "sam-checks.log"

# What a failed check found is cut to so many characters at the terminal, and is whole in the log.
LONGEST_LINE = 600

# Time limits in seconds. The first builds compile every dependency, on a small machine beside other builds.
BUILD_LIMIT_S = 60 * 60
VALIDATE_LIMIT_S = 120
INVOKE_LIMIT_S = 120
SERVER_LIMIT_S = 60

TABLE_NAME = "site-credits"
# The newest C library that Amazon Linux 2023 has, which the image provided.al2023 is made of.
NEWEST_GLIBC = (2, 34)
# The shared libraries that provided.al2023 has and a program in Rust may need.
LIBRARIES = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6",
             "libpthread.so.0", "librt.so.1"}

# Every role of the stack, those that SAM adds among them, and all that it may do.
WRITES_LOGS = ["logs:CreateLogStream on {logs}", "logs:PutLogEvents on {logs}"]
APPLIES_CODES = [
    "dynamodb:BatchGetItem on Table where the key is SITE#* or CODE#*",
    "dynamodb:GetItem on Table where the key is SITE#*",
    "dynamodb:PutItem on Table where the key is SITE#* or ACCOUNT#* within TransactWriteItems",
    "dynamodb:UpdateItem on Table where the key is CODE#* or ACCOUNT#* within TransactWriteItems",
]
PERMISSIONS = {
    "RedeemCodeRole": APPLIES_CODES + [line.format(logs="RedeemCodeLogs") for line in WRITES_LOGS],
    "RechargeSmsRole": APPLIES_CODES + [line.format(logs="RechargeSmsLogs") for line in WRITES_LOGS],
    "GetBalanceRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:Query on Table where the key is SITE#* or ACCOUNT#*",
    ] + [line.format(logs="GetBalanceLogs") for line in WRITES_LOGS],
    "IssueCodesRole": [
        "dynamodb:BatchGetItem on Table where the key is CODE#*",
        "dynamodb:GetItem on Table where the key is PARTNER#* or CODE#*",
        "dynamodb:PutItem on Table where the key is PARTNER#* or CODE#* or ACCOUNT#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is PARTNER#* or ACCOUNT#*",
        "dynamodb:UpdateItem on Table where the key is PARTNER#* or CODE#* within TransactWriteItems",
    ] + [line.format(logs="IssueCodesLogs") for line in WRITES_LOGS],
    "ManageSitesRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:DeleteItem on Table where the key is SITE#* or ADMIN#* within TransactWriteItems",
        "dynamodb:GetItem on Table where the key is SITE#* or ADMIN#*",
        "dynamodb:PutItem on Table where the key is SITE#* or ADMIN#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is SITE#* or ADMIN#*",
    ] + [line.format(logs="ManageSitesLogs") for line in WRITES_LOGS],
    "DeductMonthlyRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:PutItem on Table where the key is SITE#* within TransactWriteItems",
        "dynamodb:Query on Table/index/agenda",
        "sqs:SendMessage on DeductMonthlyFailures",
    ] + [line.format(logs="DeductMonthlyLogs") for line in WRITES_LOGS],
    "DeductMonthlyFunctionEveryQuarterHourRole": [
        "lambda:InvokeFunction on DeductMonthlyFunction",
        "sqs:SendMessage on DeductMonthlyFailures",
    ],
}
# No role may have an action that is like one of these, whatever the list above says. A batch of writes would delete
# without the permission to delete. That permission has a check of its own, because one role has it.
NEVER = re.compile(r"\*|^dynamodb:(Scan|BatchWriteItem|PartiQL.*|.*Table)$", re.IGNORECASE)

# What the scheduler replaces by the instant for which it fires.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

# The demonstration's sites and their administrator, and somebody who is invited to one.
GYM, LIBRARY = "GYM7QP2M", "BRARY5X9"
KIM = {"sub": "kim", "email": "kim@example.com", "email_verified": "true"}
ROBIN = {"sub": "robin", "email": "robin@example.com", "email_verified": "true"}
# The partner who issues the demonstration's codes, and one of its people.
PARTNER = "acme"
ADA = {"sub": "ada", "partner_id": PARTNER}
# The demonstration is made at this instant, and the local server's clock stands still at it, so that its own schedule
# charges nothing.
OPENING = "2027-01-31T08:00:00Z"


class Report:
    """Prints a line a check, and counts."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, title, fine, found=""):
        if fine:
            self.passed += 1
            print(f"ok    {title}")
        else:
            self.failed += 1
            with LOG.open("a") as log:
                log.write(f"--- FAIL {title}: {found}\n")
            print(f"FAIL  {title}: {found if len(found) <= LONGEST_LINE else found[:LONGEST_LINE] + '…'}")

    def same(self, title, found, expected):
        self.check(title, found == expected, f"found {shown(found)} and not {shown(expected)}")


def shown(value):
    return json.dumps(value, default=repr, sort_keys=True)


class GaveUp(Exception):
    """Without this, nothing that follows can be checked."""


# --------------------------------------------------------------------------------------------------------- the programs
def run(command, limit_s, stdin=None, environment=None):
    """Runs a program to its end, and answers with its status, its standard output and its standard error."""
    process = subprocess.Popen(
        [str(part) for part in command], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = process.communicate(stdin, timeout=limit_s)
    except BaseException as error:
        end(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise GaveUp(f"{command[0]} was not done within {limit_s} s") from None
        raise
    with LOG.open("a") as log:
        log.write(f"--- {' '.join(map(str, command))}: status {process.returncode}\n{stdout}{stderr}")
    return process.returncode, stdout, stderr


def end(process):
    """Ends a program with everything that it started: politely, as SAM then removes its container, or else by force."""
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=15)
            return


def sam(arguments, limit_s, stdin=None):
    """Runs SAM without the credentials of whoever runs it, so that no mistake here could reach an account."""
    environment = {name: value for name, value in os.environ.items() if name not in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    environment.update({
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0", "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # cargo-lambda names its own linker, and where the linker differs cargo takes nothing from an earlier build. In
        # the usual directory this build and `cargo build --release` would undo each other.
        "CARGO_TARGET_DIR": str(ROOT / "target" / "sam")})
    return run(["sam", *arguments], limit_s, stdin, environment)


def last_lines(text):
    return " / ".join(line.strip() for line in text.strip().splitlines()[-5:]) or "it said nothing"


def took(since):
    return f"{time.monotonic() - since:.0f} s"


# --------------------------------------------------------------------------------------------------------- the template
class Template:
    """The template, as it stands and as CloudFormation gets it."""

    def __init__(self):
        text = (ROOT / "template.yaml").read_text()
        resources = yaml_parse(text)["Resources"]
        # The logical IDs of the functions, by the names of their binaries.
        self.functions = {
            resource["Metadata"]["BuildProperties"]["Binary"]: name
            for name, resource in resources.items() if resource["Type"] == "AWS::Serverless::Function"}
        # The functions, by the routes that lead to them.
        self.routes = {
            f"{event['Properties']['Method']} {event['Properties']['Path']}": binary
            for binary, name in self.functions.items()
            for event in resources[name]["Properties"]["Events"].values() if event["Type"] == "HttpApi"}
        # The translation writes into what it is given. It wants packages that are uploaded, a region and parameters,
        # and makes nothing of their values that matters here.
        os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
        fragment = yaml_parse(text)
        for name in self.functions.values():
            fragment["Resources"][name]["Properties"]["CodeUri"] = "s3://packages/package"
        parameters = {"JwtIssuer": "https://issuer.example", "JwtAudience": "site-credits"}
        self.resources = transform(fragment, parameters, NoManagedPolicies())["Resources"]
        [schedule] = self.of_type("AWS::Scheduler::Schedule").values()
        self.schedule = schedule["Properties"]["Target"]["Input"]

    def of_type(self, kind):
        return {name: resource for name, resource in self.resources.items() if resource["Type"].startswith(kind)}


class NoManagedPolicies:
    """The template has none, and looking for them would need an account."""

    def load(self):
        return {}


def check_template(report):
    template = Template()
    roles = template.of_type("AWS::IAM::Role")
    report.same("the roles are those that are known, and nothing else grants anything",
                sorted(template.of_type("AWS::IAM::")), sorted(PERMISSIONS))
    functions = template.of_type("AWS::Lambda::Function")
    report.same("every function has a role of its own",
                {name: function["Properties"]["Role"] for name, function in functions.items()},
                {name: {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]} for name in functions})
    for name, role in roles.items():
        granted, expected = set(permissions(role)), set(PERMISSIONS.get(name, []))
        report.check(f"{name} may do what it must and no more", granted == expected,
                     f"too much is {shown(sorted(granted - expected))}, missing is {shown(sorted(expected - granted))}")
    actions = {action for role in roles.values() for statement in statements(role) for action in actions_of(statement)}
    report.same("no role has a wildcard, scans, writes in batches or changes a table",
                list(filter(NEVER.search, actions)), [])
    report.same("only manage-sites deletes, and only within a transaction",
                [(name, line.rpartition(" within ")[2]) for name, role in roles.items() for line in permissions(role)
                 if line.casefold().startswith("dynamodb:deleteitem")],
                [("ManageSitesRole", "TransactWriteItems")])
    report.same("issue-codes cannot touch a site", list(reaching(roles["IssueCodesRole"], "SITE#")), [])
    report.same("manage-sites cannot touch a code",
                [action for kind in ("CODE#", "PARTNER#", "ACCOUNT#")
                 for action in reaching(roles["ManageSitesRole"], kind)], [])
    # By the name of the variable or by the key within the secret, which could come under another variable's name.
    report.same("only issue-codes can derive codes",
                [name for name, function in functions.items()
                 if "derive" in shown(function["Properties"]["Environment"]).casefold()],
                [template.functions["issue-codes"]])
    [api] = template.of_type("AWS::ApiGatewayV2::Api").values()
    report.same("every route but the contract's needs a token",
                [f"{method.upper()} {path}" for path, methods in api["Properties"]["Body"]["paths"].items()
                 for method, operation in methods.items() if operation.get("security") != [{"Issuer": []}]],
                ["GET /openapi.yaml"])
    return template


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def actions_of(statement):
    # `NotAction` and its like grant what they do not name, and so read as the wildcards that they are.
    actions = statement.get("Action", "*")
    return [actions] if isinstance(actions, str) else actions


def reaching(role, kind):
    """The actions of a role that reach items whose keys begin so: by a pattern, or because nothing limits them."""
    for statement in statements(role):
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
        if any(key.startswith(kind) or fnmatch.fnmatchcase(kind, key) for key in keys):
            yield from (action for action in actions_of(statement) if action.casefold().startswith("dynamodb:"))


def permissions(role):
    """What a role may do, a line an action. What is not of the usual form is shown as it stands, and so is noticed."""
    for unusual in {"ManagedPolicyArns", "PermissionsBoundary"} & role["Properties"].keys():
        yield f"{unusual} {shown(role['Properties'][unusual])}"
    for statement in statements(role):
        line = ""
        resource = statement.get("Resource")
        match resource:
            case {"Fn::GetAtt": [name, "Arn"]}:
                line = f" on {name}"
            case {"Fn::Sub": str(text)}:
                line = f" on {text.replace('${Table.Arn}', 'Table')}"
            case _:
                line = f" on {shown(resource)}"
        conditions = dict(statement.get("Condition", {}))
        match conditions.pop("ForAllValues:StringLike", None):
            case None:
                pass
            case {"dynamodb:LeadingKeys": keys, **rest} if not rest:
                line += f" where the key is {' or '.join(keys)}"
            case other:
                line += f" where {shown(other)}"
        match conditions.pop("ForAnyValue:StringEquals", None):
            case None:
                pass
            case {"dynamodb:EnclosingOperation": [operation], **rest} if not rest:
                line += f" within {operation}"
            case other:
                line += f" where {shown(other)}"
        if conditions:
            line += f" where {shown(conditions)}"
        unusual = statement.keys() - {"Effect", "Action", "Resource", "Condition"}
        if unusual or statement["Effect"] != "Allow":
            line += f" in {shown(statement)}"
        yield from (action + line for action in actions_of(statement))


def check_validity(report):
    since = time.monotonic()
    status, stdout, stderr = sam(["validate", "--lint"], VALIDATE_LIMIT_S)
    report.check(f"sam validate --lint is clean ({took(since)})", status == 0, last_lines(stdout + stderr))


# ------------------------------------------------------------------------------------------------------------ the build
def check_build(report, template, setup):
    since = time.monotonic()
    # The folder of an earlier build would hide that this one left a function out.
    shutil.rmtree(ROOT / ".aws-sam" / "build", ignore_errors=True)
    status, stdout, stderr = sam(["build", *architecture(setup)], BUILD_LIMIT_S)
    report.check(f"sam build ({took(since)})", status == 0,
                 f"status {status}: {last_lines(stdout + stderr)}")
    if status != 0:
        raise GaveUp("nothing was built")
    for binary, function in template.functions.items():
        content = (ROOT / ".aws-sam" / "build" / function / "bootstrap").read_bytes()
        needed = newest_glibc(content)
        # The stand-in image has this machine's library, and would hide that a function does not start on AWS.
        report.check(f"{binary} needs no newer C library than Amazon Linux 2023 has ({len(content) / 1e6:.1f} MB)",
                     needed <= NEWEST_GLIBC, f"it needs version {needed}")
        report.same(f"{binary} needs no library that provided.al2023 lacks", sorted(libraries(content) - LIBRARIES), [])


def newest_glibc(content):
    """The newest version of the C library that a binary names: `GLIBC_2.34` stands among the names of its symbols."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


def libraries(content):
    """The shared libraries that a binary names."""
    return {name.decode() for name in re.findall(rb"\0((?:lib|ld-)[\w+-]+\.so\.\d+)(?=\0)", content)}


def architecture(setup):
    return ["--parameter-overrides", f"Architecture={setup['SAM_ARCHITECTURE']}"]


# ----------------------------------------------------------------------------------------------------- the local server
class Server:
    """The local server with the demonstration, on a folder of its own, and with its engine open to containers."""

    def __init__(self, program, data, setup):
        self.program, self.data = program, data
        host, port = free_address(setup["SAM_HOST_GATEWAY"])
        # The port is nobody else's, so it also tells which containers are ours.
        self.endpoint = f"http://host.docker.internal:{port}"
        self.process = subprocess.Popen(
            [program, "serve", "--data", data, "--port", "0", "--clock", OPENING, "--engine", f"{host}:{port}"],
            cwd=ROOT, text=True, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=LOG.open("a"))
        self.said = []
        self.ready = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        # The engine is the last that it speaks of.
        if not self.ready.wait(SERVER_LIMIT_S) or self.process.poll() is not None:
            end(self.process)
            raise GaveUp(f"the local server did not start: {last_lines(LOG.read_text())}")
        said = "\n".join(self.said)
        self.url = re.search(r"^URL=(.+)$", said, re.MULTILINE)[1]
        self.token = re.search(r"^TOKEN=(.+)$", said, re.MULTILINE)[1]
        person = json.dumps({"partner_id": PARTNER}).encode()
        self.partner_token = self.send(urllib.request.Request(f"{self.url}/_local/token", person))["access_token"]
        # Codes of a hundred credits come first; a code may be printed more than once.
        hundreds = said.split("maintenance credits, for")[0]
        self.codes = list(dict.fromkeys(re.findall(r"\b(?:[0-9A-Z]{5}-){3}[0-9A-Z]{5}\b", hundreds)))

    def listen(self):
        # Its output is read to the end, since a full pipe would stop it.
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("The engine speaks DynamoDB"):
                self.ready.set()
        self.ready.set()

    def get(self, path):
        """What it answers to the administrator of the sites, and to the partner where the path is the partner's."""
        token = self.partner_token if path.startswith("/partners/") else self.token
        return self.send(urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"}))

    def send(self, request):
        # Whatever proxy the environment names, this is for the machine itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=SERVER_LIMIT_S) as answer:
            return json.load(answer)

    def books(self):
        """The license and the statement of each site that the administrator has."""
        sites = [site["site_id"] for site in self.get("/sites")["sites"]]
        return {site: (self.get(f"/sites/{site}/license"), self.get(f"/sites/{site}/license/statement?limit=100"))
                for site in sites}

    def stop(self):
        """Asks it to end, and answers with its status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=SERVER_LIMIT_S)
        finally:
            end(self.process)


def free_address(gateway):
    """A free address that containers reach at the gateway's."""
    for host in (gateway, "127.0.0.1"):
        with socket.socket() as listener:
            try:
                listener.bind((host, 0))
                return listener.getsockname()
            except OSError as error:
                # Where Docker has a machine of its own, the gateway is there, and leads to this one's loopback.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
    raise GaveUp("there is no address for containers")


def built_server(report):
    """Builds the local server as the tests have it, which costs nothing after them, and answers with its path."""
    since = time.monotonic()
    status, stdout, stderr = run(
        ["cargo", "test", "--locked", "--workspace", "--no-run", "--message-format", "json-render-diagnostics"],
        BUILD_LIMIT_S)
    programs = [message["executable"] for message in map(json.loads, stdout.splitlines() if status == 0 else [])
                if message.get("executable") and message["target"]["name"] == "site-credits"
                and message["target"]["kind"] == ["bin"]]
    report.check(f"the local server is built ({took(since)})", len(programs) == 1, last_lines(stderr))
    if len(programs) != 1:
        raise GaveUp("there is no local server")
    return programs[0]


# ------------------------------------------------------------------------------------------------------ the invocations
class Functions:
    """The functions in their containers."""

    def __init__(self, template, setup, server, folder):
        self.template, self.setup = template, setup
        self.event = json.loads((ROOT / "tests" / "data" / "http-api-event.json").read_text())
        seed = (ROOT / "infra" / "local" / "src" / "seed.rs").read_text()
        secrets = re.search(r'LOCAL_SECRETS: &str =\s*"([^"]+)"', seed)[1]
        # Every function gets them all, but SAM passes on only the variables that a function has in the template.
        variables = {"TABLE_NAME": TABLE_NAME, "CODE_CHECK_SECRETS": secrets, "CODE_DERIVE_SECRETS": secrets,
                     "AWS_ENDPOINT_URL_DYNAMODB": server.endpoint}
        self.variables = folder / "variables.json"
        self.variables.write_text(json.dumps({"Parameters": variables}))
        self.invoked, self.asked = set(), set()
        self.logs = ""

    def invoke(self, binary, event):
        """Invokes a function, and answers with what it returned."""
        status, stdout, stderr = sam(
            ["local", "invoke", self.template.functions[binary], "--event", "-", "--env-vars", self.variables,
             "--skip-pull-image", "--add-host", "host.docker.internal:host-gateway", *architecture(self.setup)],
            INVOKE_LIMIT_S, json.dumps(event))
        self.invoked.add(binary)
        self.logs += stderr
        try:
            return json.loads(stdout)
        except ValueError:
            # A function that does not get as far as its first event leaves SAM without an answer.
            raise GaveUp(f"{binary} gave no answer (status {status}): {last_lines(stderr)}") from None

    def ask(self, route, at, key=None, body=None, query=None, accept=None, claims=KIM, **parameters):
        """Sends a request as the HTTP API would, and answers with the status, the headers and the body. The parameters
        are those of the route's path. Without claims it is a request to a route that has no authorizer."""
        event = copy.deepcopy(self.event)
        method, path = route.format(**parameters).split()
        event.update({"routeKey": route, "rawPath": path, "rawQueryString": urllib.parse.urlencode(query or {})})
        if parameters:
            event["pathParameters"] = parameters
        if query:
            event["queryStringParameters"] = query
        if key is not None:
            event["headers"]["idempotency-key"] = key
        if accept is not None:
            event["headers"]["accept"] = accept
        if body is not None:
            event["body"] = json.dumps(body)
        context = event["requestContext"]
        context.update({"routeKey": route, "timeEpoch": milliseconds(at)})
        context["http"].update({"method": method, "path": path})
        if claims is None:
            del context["authorizer"]
        else:
            context["authorizer"]["jwt"]["claims"] = claims
        self.asked.add(route)
        answer = self.invoke(self.template.routes[route], event)
        if "statusCode" not in answer:
            return None, {}, answer
        status, headers, body = answer["statusCode"], answer["headers"], answer["body"]
        return status, headers, json.loads(body) if "json" in headers["content-type"] else body

    def redeem(self, site, code, at, key):
        return self.ask("POST /sites/{site_id}/license/redemptions", at, key, {"code": code}, site_id=site)

    def deduct(self, at):
        """Runs the deduction with the event that the schedule makes of its input."""
        return self.invoke("deduct-monthly", json.loads(self.template.schedule.replace(SCHEDULED_TIME, at)))


def milliseconds(instant):
    return int(datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp() * 1000)


class Books:
    """What the store held when it was last looked at."""

    def __init__(self, report, server):
        self.report, self.server = report, server
        self.held = server.books()

    def unchanged(self, title):
        held = self.server.books()
        self.report.same(title, held, self.held)
        self.held = held

    def grew(self, title, site, kinds, **license):
        """Exactly these entries were added to this site's statement, its license has these values, and the other
        sites are as they were."""
        before, self.held = self.held, self.server.books()
        entries_before = before[site][1]["entries"] if site in before else []
        entries = self.held[site][1]["entries"]
        found = {
            "added": [entry["kind"] for entry in entries[len(entries_before):]],
            "changed": [entry["sequence"] for entry in entries_before if entry not in entries],
            "others": [other for other in before.keys() | self.held.keys()
                       if other != site and before.get(other) != self.held.get(other)],
            **{name: self.held[site][0][name] for name in license},
        }
        self.report.same(title, found, {"added": kinds, "changed": [], "others": [], **license})


def balances(credits, sms=0):
    return {"credits": credits, "maintenance_credits": 0, "sms": sms}


def ran(**counts):
    """The report of a run of the deduction: zero, but for these."""
    return {"sites": 0, "credits": 0, "due_dates": 0, "halted": 0, "left": 0, "failed": 0, **counts}


def forged(code):
    """The code with another last symbol."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def check_reading(report, functions, books):
    server = books.server
    status, _, body = functions.ask("GET /sites/{site_id}/license", OPENING, site_id=GYM)
    report.same("a balance is what the local server says", (status, body), (200, server.get(f"/sites/{GYM}/license")))
    statement = "GET /sites/{site_id}/license/statement"
    status, _, body = functions.ask(statement, OPENING, site_id=GYM)
    report.same("a statement is what the local server says",
                (status, body), (200, server.get(f"/sites/{GYM}/license/statement")))
    query = {"from": "2027-01-31", "limit": "2"}
    status, _, body = functions.ask(statement, OPENING, query=query, site_id=GYM)
    report.same("a page of a period is what the local server says", (status, body, len(body.get("entries", []))),
                (200, server.get(f"/sites/{GYM}/license/statement?{urllib.parse.urlencode(query)}"), 2))
    books.unchanged("reading changed nothing")


def check_redemption(report, functions, books):
    code, unused = books.server.codes[:2]
    status, _, body = functions.ask("POST /sites/{site_id}/license/preview", OPENING, "preview-1",
                                    {"code": code, "recharge": "credits"}, site_id=LIBRARY)
    report.same("a preview shows the balances before and after",
                (status, body.get("before"), body.get("after")),
                (200, {"balances": balances(0), "status": "activated"},
                 {"balances": balances(100), "status": "activated"}))
    books.unchanged("a preview changed nothing")

    first = functions.redeem(LIBRARY, code, "2027-01-31T08:05:00Z", "redemption-1")
    books.grew("a redemption added its credits, in one entry", LIBRARY, ["redemption"], balances=balances(100))
    license, statement = books.held[LIBRARY]
    status, headers, body = first
    report.same("a redemption answers 201 with the entry and the license that are in the store",
                (status, headers.get("idempotency-replayed"), body),
                (201, None, {"entry": statement["entries"][-1], "license": license}))
    report.same("its entry is of a hundred credits", body.get("entry", {}).get("changes"), balances(100))

    status, headers, again = functions.redeem(LIBRARY, code, "2027-01-31T08:06:00Z", "redemption-1")
    report.same("its replay answers as the first time, and says so",
                (status, headers.get("idempotency-replayed"), again), (201, "true", body))
    books.unchanged("its replay changed nothing")

    status, _, problem = functions.redeem(LIBRARY, code, "2027-01-31T08:07:00Z", "redemption-2")
    report.same("the same code under another key is refused, with the entry that it led to",
                (status, problem.get("code"), problem.get("entry")),
                (409, "code-already-applied", statement["entries"][-1]["sequence"]))
    books.unchanged("the same code under another key changed nothing")

    status, _, problem = functions.redeem(LIBRARY, forged(unused), "2027-01-31T08:08:00Z", "redemption-3")
    report.same("a forged code is not recognised", (status, problem.get("code")), (422, "code-not-recognised"))
    books.unchanged("a forged code changed nothing")


def check_sms(report, functions, books):
    code = books.server.codes[1]
    status, _, body = functions.ask("POST /sites/{site_id}/sms/redemptions", "2027-01-31T08:10:00Z", "sms-1",
                                    {"code": code}, site_id=LIBRARY)
    books.grew("an SMS recharge added fifty SMS a credit, in one entry", LIBRARY, ["sms_redemption"],
               balances=balances(100, 5000))
    license, statement = books.held[LIBRARY]
    report.same("an SMS recharge answers 201 with the entry and the license that are in the store",
                (status, body), (201, {"entry": statement["entries"][-1], "license": license}))


def check_issue(report, functions, books):
    """Answers with the batch that it issues, and with its codes."""
    wish = {"credits": 10, "count": 3, "note": "Order 4711"}
    issue, listing = "POST /partners/{partner_id}/code-batches", "GET /partners/{partner_id}/code-batches"
    status, headers, issued = functions.ask(
        issue, "2027-01-31T08:20:00Z", "batch-1", wish, claims=ADA, partner_id=PARTNER)
    if status != 201:
        raise GaveUp(f"no codes were issued: {shown(issued)}")
    batch, codes = issued["batch"], issued["codes"]
    report.same("an issue answers 201 with its batch, complete, and as many codes as were asked for",
                (headers.get("idempotency-replayed"), batch, len(set(codes))),
                (None, {**wish, "batch_id": batch["batch_id"], "partner_id": PARTNER, "maintenance_credits": 0,
                        "expires_on": None, "site_id": None, "issued_at": "2027-01-31T08:20:00Z", "complete": True}, 3))

    status, headers, again = functions.ask(
        issue, "2027-01-31T08:21:00Z", "batch-1", wish, claims=ADA, partner_id=PARTNER)
    report.same("its replay gives the same codes, and says so",
                (status, headers.get("idempotency-replayed"), again), (201, "true", issued))

    status, _, page = functions.ask(
        listing, "2027-01-31T08:22:00Z", query={"limit": "1"}, claims=ADA, partner_id=PARTNER)
    report.same("it is the newest of the partner's batches, and the local server says the same",
                (status, page, page.get("batches")),
                (200, books.server.get(f"/partners/{PARTNER}/code-batches?limit=1"), [batch]))

    status, _, problem = functions.ask(listing, "2027-01-31T08:23:00Z", claims=ADA, partner_id="globex")
    report.same("another partner's batches are not shown", (status, problem.get("code")), (403, "not-allowed"))
    books.unchanged("issuing codes changed no site")
    return batch, codes


def check_site(report, functions, books):
    """Answers with the ID of the site that it creates."""
    server = books.server
    status, _, created = functions.ask("POST /sites", "2027-01-31T08:30:00Z", "creation-1",
                                       {"name": "Harbour Pool", "country": "AT", "site_type": "dynamic"})
    if status != 201:
        raise GaveUp(f"no site was created: {shown(created)}")
    site = created["site"]["site_id"]
    books.grew("a creation wrote the first entry of a site without balances", site, ["site_creation"],
               site_name="Harbour Pool", status="activated", balances=balances(0))
    _, statement = books.held[site]
    report.same("a creation answers with the entry and the site that are in the store",
                created, {"entry": statement["entries"][0], **server.get(f"/sites/{site}")})
    report.same("its creator is its master, and its country says its time zone and its language",
                {name: created["site"][name] for name in ("administrators", "role", "time_zone", "language")},
                {"administrators": [{"email": KIM["email"], "role": "master"}], "role": "master",
                 "time_zone": "Europe/Vienna", "language": "de"})

    status, _, changed = functions.ask("PATCH /sites/{site_id}", "2027-01-31T08:31:00Z", "settings-1",
                                       {"name": "Harbour Baths"}, site_id=site)
    books.grew("a change of the name wrote an entry", site, ["settings_change"], site_name="Harbour Baths")
    _, statement = books.held[site]
    report.same("a change of the name answers with the entry and the site that are in the store",
                (status, changed), (200, {"entry": statement["entries"][-1], **server.get(f"/sites/{site}")}))

    status, _, body = functions.ask("GET /sites/{site_id}", "2027-01-31T08:32:00Z", site_id=site)
    report.same("a site is what the local server says", (status, body), (200, server.get(f"/sites/{site}")))
    status, _, page = functions.ask("GET /sites", "2027-01-31T08:32:00Z")
    report.same("a person's sites are what the local server says, and it is among them",
                (status, page, [listed["site_id"] for listed in page.get("sites", [])]),
                (200, server.get("/sites"), sorted([GYM, LIBRARY, site])))
    return site


def check_administrators(report, functions, books, site):
    master, robin = {"email": KIM["email"], "role": "master"}, ROBIN["email"]
    invited = functions.ask("POST /sites/{site_id}/admins", "2027-01-31T08:33:00Z", "invitation-1",
                            {"email": robin, "role": "site_admin"}, site_id=site)
    changed = functions.ask("PATCH /sites/{site_id}/admins/{email}", "2027-01-31T08:34:00Z", "role-1",
                            {"role": "sub_master"}, site_id=site, email=robin)
    listed = functions.ask("GET /sites/{site_id}/admins", "2027-01-31T08:35:00Z", site_id=site)
    removed = functions.ask("DELETE /sites/{site_id}/admins/{email}", "2027-01-31T08:36:00Z", "removal-1",
                            site_id=site, email=robin)
    books.grew("an invitation, a change of role and a removal wrote an entry each", site, ["administrator_change"] * 3)
    _, statement = books.held[site]
    invitation, change, removal = statement["entries"][-3:]
    invited_as, changed_to = ([master, {"email": robin, "role": role}] for role in ("site_admin", "sub_master"))
    for title, (status, _, body), expected in (
            ("an invitation answers 201 with its entry and the administrators", invited,
             (201, {"entry": invitation, "administrators": invited_as})),
            ("a change of role answers with its entry and the administrators", changed,
             (200, {"entry": change, "administrators": changed_to})),
            ("the administrators are listed", listed, (200, {"administrators": changed_to})),
            ("a removal answers with its entry and the administrators that are left", removed,
             (200, {"entry": removal, "administrators": [master]}))):
        report.same(title, (status, body), expected)

    status, _, problem = functions.ask("GET /sites/{site_id}", "2027-01-31T08:37:00Z", claims=ROBIN, site_id=site)
    report.same("who was removed is a stranger, and is told of no such site",
                (status, problem.get("code")), (404, "site-not-found"))


def check_codes(report, functions, books, site, batch, codes):
    """Applies the first of the codes to the site, and voids the others."""
    applied_at = "2027-01-31T08:40:00Z"
    status, _, body = functions.redeem(site, codes[0], applied_at, "redemption-5")
    books.grew("a code that was issued in a container added its credits to the site", site, ["redemption"],
               balances=balances(10))
    license, statement = books.held[site]
    report.same("applying it answers 201 with the entry and the license that are in the store",
                (status, body), (201, {"entry": statement["entries"][-1], "license": license}))

    of_batch = {"claims": ADA, "partner_id": PARTNER, "batch_id": batch["batch_id"]}
    standing = [{"index": index, "code": code, "last_four": code[-4:], "state": "outstanding", "applied_at": None,
                 "site_id": None, "voided_at": None, "void_reason": None} for index, code in enumerate(codes)]
    standing[0].update({"code": None, "state": "applied", "applied_at": applied_at, "site_id": site})
    fetch = "GET /partners/{partner_id}/code-batches/{batch_id}/codes"
    status, _, body = functions.ask(fetch, "2027-01-31T08:41:00Z", **of_batch)
    report.same("the codes are fetched as JSON, without the one that was applied",
                (status, body), (200, {"batch": batch, "codes": standing}))
    status, headers, table = functions.ask(fetch, "2027-01-31T08:42:00Z", accept="text/csv", **of_batch)
    rows = [standing[0].keys(), *(code.values() for code in standing)]
    report.same("they are fetched as CSV with the same cells",
                (status, headers.get("content-type"), table),
                (200, "text/csv; charset=utf-8",
                 "".join(",".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in rows)))

    status, _, body = functions.ask("POST /partners/{partner_id}/code-batches/{batch_id}/void", "2027-01-31T08:43:00Z",
                                    "voiding-1", {"reason": "Lost in the post"}, **of_batch)
    report.same("voiding the batch voids what was not applied",
                (status, body), (200, {"voided": 2, "already_voided": 0, "applied": 1}))
    status, _, body = functions.ask(
        "GET /partners/{partner_id}/code-batches/{batch_id}", "2027-01-31T08:44:00Z", **of_batch)
    expected = {"batch": batch, "sum": {"issued": 3, "applied": 1, "voided": 2, "expired": 0, "outstanding": 0}}
    report.same("the batch adds up, and the local server says the same",
                (status, body, books.server.get(f"/partners/{PARTNER}/code-batches/{batch['batch_id']}")),
                (200, expected, expected))
    books.unchanged("fetching and voiding codes changed no site")


def check_devices(report, functions, books, site):
    wishes = [{"device_id": f"gate-{number}", "name": f"Gate {number}"} for number in (1, 2)]
    devices = [{**wish, "registered_on": "2027-01-31"} for wish in wishes]
    status, _, body = functions.ask("POST /sites/{site_id}/devices", "2027-01-31T08:50:00Z", "devices-1",
                                    {"devices": wishes}, site_id=site)
    books.grew("a registration took a credit a device, in one entry", site, ["device_registration"], devices=2,
               balances=balances(8), next_deduction={"on": "2027-02-28", "credits": 2, "sufficient": True})
    license, statement = books.held[site]
    report.same("a registration answers 201 with the devices, and the entry and the license that are in the store",
                (status, body), (201, {"devices": devices, "entry": statement["entries"][-1], "license": license}))

    status, _, body = functions.ask("GET /sites/{site_id}/devices", "2027-01-31T08:51:00Z", site_id=site)
    expected = {"devices": devices, "next_cursor": None}
    report.same("the devices are listed, and the local server says the same",
                (status, body, books.server.get(f"/sites/{site}/devices")), (200, expected, expected))

    status, _, body = functions.ask("DELETE /sites/{site_id}/devices/{device_id}", "2027-01-31T08:52:00Z", "removal-2",
                                    site_id=site, device_id="gate-2")
    books.grew("a removal of a device wrote an entry, and gave nothing back", site, ["device_removal"], devices=1,
               balances=balances(8), next_deduction={"on": "2027-02-28", "credits": 1, "sufficient": True})
    license, statement = books.held[site]
    report.same("a removal of a device answers with the entry and the license that are in the store",
                (status, body), (200, {"entry": statement["entries"][-1], "license": license}))


def check_deletion(report, functions, books, site):
    status, _, body = functions.ask("DELETE /sites/{site_id}", "2027-01-31T08:55:00Z", "deletion-1",
                                    query={"forfeit": "true"}, site_id=site)
    # From now on it is nobody's, and its books are proved by the walk through the table alone.
    _, statement = books.held.pop(site)
    entry, left = body.get("entry", {}), body.get("site", {})
    report.same("a deletion with forfeit gives up what the site holds, in an entry that follows its last one",
                (status, entry.get("kind"), entry.get("changes"), entry.get("previous_hash")),
                (200, "site_deletion", balances(-8), statement["entries"][-1]["hash"]))
    report.same("it answers with the site as it is left",
                (left.get("status"), left.get("balances"), left.get("administrators")), ("deleted", balances(0), []))
    books.unchanged("a deletion took the site from its administrator, and changed no other")


def check_account(report, functions, server, site, batch):
    status, _, body = functions.ask("GET /partners/{partner_id}/sites", "2027-01-31T09:00:00Z",
                                    claims=ADA, partner_id=PARTNER)
    report.same("a partner's sites are what the local server says",
                (status, body), (200, server.get(f"/partners/{PARTNER}/sites")))
    report.same("the site that was deleted is among them, with what it received",
                [(sold["status"], sold["received"]) for sold in body.get("sites", []) if sold["site_id"] == site],
                [("deleted", {"codes": 1, **balances(10)})])

    query = {"from": "2027-01-31", "limit": "100"}
    status, _, body = functions.ask("GET /partners/{partner_id}/history", "2027-01-31T09:01:00Z", query=query,
                                    claims=ADA, partner_id=PARTNER)
    report.same("a partner's history is what the local server says",
                (status, body), (200, server.get(f"/partners/{PARTNER}/history?{urllib.parse.urlencode(query)}")))
    # The replay of the issue hands the codes out again.
    report.same("it tells of all that happened to the codes of the batch",
                [(line["kind"], line["codes"], line.get("by"), line.get("reason"), line.get("site_id"))
                 for line in body.get("history", []) if line["batch_id"] == batch["batch_id"]],
                [("issued", 3, "ada", None, None), ("fetched", 3, "ada", None, None), ("applied", 1, None, None, site),
                 ("fetched", 2, "ada", None, None), ("fetched", 2, "ada", None, None),
                 ("voided", 2, "ada", "Lost in the post", None)])


def check_contract(report, functions):
    status, headers, body = functions.ask("GET /openapi.yaml", OPENING, claims=None)
    report.same("the contract is given to anyone, as it stands",
                (status, headers.get("content-type"), body == (ROOT / "openapi.yaml").read_text()),
                (200, "application/yaml", True))


def check_deduction(report, functions, books):
    # The gym has three devices since 31 January and one credit, so its first month halts it.
    report.same("a deduction reports a halt", functions.deduct("2027-02-28T12:00:00Z"), ran(sites=1, halted=1))
    books.grew("a site that falls short is halted, and nothing is taken", GYM, ["halt"],
               status="payment_required", balances=balances(1), overdue={"credits": 3}, next_deduction=None)
    report.same("a second run finds nothing to do", functions.deduct("2027-02-28T12:00:00Z"), ran())
    books.unchanged("a second run changed nothing")

    status, _, body = functions.redeem(GYM, books.server.codes[2], "2027-03-01T09:00:00Z", "redemption-4")
    books.grew("a recharge pays what is overdue and resumes the site", GYM,
               ["redemption", "overdue_deduction", "resume"], status="activated", balances=balances(98),
               overdue={"credits": 0}, next_deduction={"on": "2027-03-31", "credits": 3, "sufficient": True})
    license, statement = books.held[GYM]
    report.same("a recharge that resumes a site answers 201 with its own entry and the license",
                (status, body), (201, {"entry": statement["entries"][-3], "license": license}))

    report.same("a deduction reports what it charged", functions.deduct("2027-03-31T12:00:00Z"),
                ran(sites=1, credits=3, due_dates=1))
    books.grew("a deduction takes a credit a device, in one entry", GYM, ["deduction"], status="activated",
               balances=balances(95), next_deduction={"on": "2027-04-30", "credits": 3, "sufficient": True})
    report.same("a deduction that is run twice charges once", functions.deduct("2027-03-31T12:00:00Z"), ran())
    books.unchanged("a deduction that is run twice changed nothing the second time")

    status, _, body = functions.ask("GET /sites/{site_id}/license", "2027-03-31T12:00:00Z", site_id=GYM)
    report.same("the balance after it all is what the local server says", (status, body), (200, books.held[GYM][0]))

    # Lambda tries a failed event again and keeps it in the end; a refusal that were an answer would be lost.
    failure = functions.deduct("at noon")
    report.check("an event without an instant is an error of the function", "errorType" in failure, shown(failure))
    books.unchanged("an event without an instant changed nothing")


def check_logs(report, functions, server, issued):
    report.same("every function was invoked", sorted(functions.invoked), sorted(functions.template.functions))
    report.same("every route was asked", sorted(functions.asked), sorted(functions.template.routes))
    codes = [*server.codes, *issued]
    secrets = {KIM["email"], ROBIN["email"], server.token, server.partner_token, *codes,
               *(code.replace("-", "") for code in codes)}
    report.same("the logs hold no code, token or address",
                [secret for secret in secrets if secret.casefold() in functions.logs.casefold()], [])


def check_books(report, server):
    report.same("the local server stops when it is asked to", server.stop(), 0)
    status, stdout, stderr = run([server.program, "verify", "--data", server.data], SERVER_LIMIT_S)
    report.check("the books are proved", status == 0, last_lines(stdout + stderr))


# --------------------------------------------------------------------------------------------------------- the cleaning
def our_containers(server):
    """The containers of this run: those that are told its engine's address."""
    _, stdout, _ = run(["docker", "ps", "--all", "--quiet"], INVOKE_LIMIT_S)
    for container in stdout.split():
        _, variables, _ = run(["docker", "inspect", "--format", "{{json .Config.Env}}", container], INVOKE_LIMIT_S)
        if server.endpoint in variables:
            yield container


def check_containers(report, server):
    left = list(our_containers(server))
    for container in left:
        run(["docker", "rm", "--force", container], INVOKE_LIMIT_S)
    report.same("no container is left", left, [])


def check_all(report):
    lines = (ROOT / ".local" / "sam.env").read_text().split()
    setup = dict(line.split("=", 1) for line in lines)
    report.check(f"the set-up is there ({setup['SAM_ARCHITECTURE']}, {setup['SAM_BASE_IMAGE']} image)", True)
    template = check_template(report)
    check_validity(report)
    check_build(report, template, setup)
    program = built_server(report)
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as cleaning:
        folder = pathlib.Path(folder)
        server = Server(program, folder / "data", setup)
        cleaning.callback(end, server.process)
        cleaning.callback(check_containers, report, server)
        functions = Functions(template, setup, server, folder)
        books = Books(report, server)
        check_reading(report, functions, books)
        check_redemption(report, functions, books)
        check_sms(report, functions, books)
        batch, codes = check_issue(report, functions, books)
        site = check_site(report, functions, books)
        check_administrators(report, functions, books, site)
        check_codes(report, functions, books, site, batch, codes)
        check_devices(report, functions, books, site)
        check_deletion(report, functions, books, site)
        check_account(report, functions, server, site, batch)
        check_contract(report, functions)
        check_deduction(report, functions, books)
        check_logs(report, functions, server, codes)
        check_books(report, server)


def asked_to_end(*_):
    # What must be cleaned up is cleaned up, which a second request does not hurry.
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, signal.SIG_IGN)
    raise GaveUp("it was asked to end")


def main():
    sys.stdout.reconfigure(line_buffering=True)
    for signal_number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signal_number, asked_to_end)
    LOG.write_text("")
    report = Report()
    since = time.monotonic()
    try:
        check_all(report)
    except GaveUp as reason:
        report.check("the run", False, f"{reason}; see {LOG.relative_to(ROOT)}")
    except Exception as error:
        # A tool that has changed its ways, or a defect here: either way not everything was checked.
        with LOG.open("a") as log:
            traceback.print_exc(file=log)
        report.check("the run", False, f"{error!r}; see {LOG.relative_to(ROOT)}")
    finally:
        print(f"      in all {took(since)}")
        print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
