"""Checks what SAM makes of the template: its roles, its build, and every function in a container of Lambda's kind.

The functions work on the table of the local server, whose engine they reach over HTTP as they would reach DynamoDB.
After each invocation the books are read from that server and compared with what the invocation should have changed.

It is run by `run`, with the Python of the tools in .venv, after the set-up.
"""

import contextlib
import copy
import datetime
import errno
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
    "dynamodb:PutItem on Table where the key is SITE#* within TransactWriteItems",
    "dynamodb:UpdateItem on Table where the key is CODE#* within TransactWriteItems",
]
PERMISSIONS = {
    "RedeemCodeRole": APPLIES_CODES + [line.format(logs="RedeemCodeLogs") for line in WRITES_LOGS],
    "RechargeSmsRole": APPLIES_CODES + [line.format(logs="RechargeSmsLogs") for line in WRITES_LOGS],
    "GetBalanceRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:Query on Table where the key is SITE#*",
    ] + [line.format(logs="GetBalanceLogs") for line in WRITES_LOGS],
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
# No role may have an action that is like one of these, whatever the list above says.
NEVER = re.compile(r"\*|^dynamodb:(Scan|DeleteItem|PartiQL.*|.*Table)$", re.IGNORECASE)

# What the scheduler replaces by the instant for which it fires.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

# The demonstration's sites and their administrator.
GYM, LIBRARY = "GYM7QP2M", "BRARY5X9"
KIM = {"sub": "kim", "email": "kim@example.com", "email_verified": "true"}
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
    report.same("no role has a wildcard, scans, deletes or changes a table", list(filter(NEVER.search, actions)), [])
    return template


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def actions_of(statement):
    # `NotAction` and its like grant what they do not name, and so read as the wildcards that they are.
    actions = statement.get("Action", "*")
    return [actions] if isinstance(actions, str) else actions


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
        request = urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {self.token}"})
        # Whatever proxy the environment names, this is for the machine itself.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=SERVER_LIMIT_S) as answer:
            return json.load(answer)

    def books(self):
        """The license and the statement of each site."""
        return {site: (self.get(f"/sites/{site}/license"), self.get(f"/sites/{site}/license/statement?limit=100"))
                for site in (GYM, LIBRARY)}

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
        variables = {"TABLE_NAME": TABLE_NAME, "CODE_CHECK_SECRETS": secrets,
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

    def ask(self, route, site, at, key=None, body=None, query=None):
        """Sends a request as the HTTP API would, and answers with the status, the headers and the body."""
        event = copy.deepcopy(self.event)
        method, path = route.replace("{site_id}", site).split()
        query = query or {}
        event.update({"routeKey": route, "rawPath": path, "pathParameters": {"site_id": site},
                      "rawQueryString": urllib.parse.urlencode(query)})
        if query:
            event["queryStringParameters"] = query
        if key is not None:
            event["headers"]["idempotency-key"] = key
        if body is not None:
            event["body"] = json.dumps(body)
        context = event["requestContext"]
        context.update({"routeKey": route, "timeEpoch": milliseconds(at)})
        context["http"].update({"method": method, "path": path})
        context["authorizer"]["jwt"]["claims"] = KIM
        self.asked.add(route)
        answer = self.invoke(self.template.routes[route], event)
        if "statusCode" not in answer:
            return None, {}, answer
        return answer["statusCode"], answer["headers"], json.loads(answer["body"])

    def redeem(self, site, code, at, key):
        return self.ask("POST /sites/{site_id}/license/redemptions", site, at, key, {"code": code})

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
        site is as it was."""
        before, self.held = self.held, self.server.books()
        entries_before, entries = before[site][1]["entries"], self.held[site][1]["entries"]
        found = {
            "added": [entry["kind"] for entry in entries[len(entries_before):]],
            "changed": [entry["sequence"] for entry in entries_before if entry not in entries],
            "others": [other for other in before if other != site and before[other] != self.held[other]],
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
    status, _, body = functions.ask("GET /sites/{site_id}/license", GYM, OPENING)
    report.same("a balance is what the local server says", (status, body), (200, server.get(f"/sites/{GYM}/license")))
    statement = "GET /sites/{site_id}/license/statement"
    status, _, body = functions.ask(statement, GYM, OPENING)
    report.same("a statement is what the local server says",
                (status, body), (200, server.get(f"/sites/{GYM}/license/statement")))
    query = {"from": "2027-01-31", "limit": "2"}
    status, _, body = functions.ask(statement, GYM, OPENING, query=query)
    report.same("a page of a period is what the local server says", (status, body, len(body.get("entries", []))),
                (200, server.get(f"/sites/{GYM}/license/statement?{urllib.parse.urlencode(query)}"), 2))
    books.unchanged("reading changed nothing")


def check_redemption(report, functions, books):
    code, unused = books.server.codes[:2]
    status, _, body = functions.ask("POST /sites/{site_id}/license/preview", LIBRARY, OPENING, "preview-1",
                                    {"code": code, "recharge": "credits"})
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
    status, _, body = functions.ask("POST /sites/{site_id}/sms/redemptions", LIBRARY, "2027-01-31T08:10:00Z", "sms-1",
                                    {"code": code})
    books.grew("an SMS recharge added fifty SMS a credit, in one entry", LIBRARY, ["sms_redemption"],
               balances=balances(100, 5000))
    license, statement = books.held[LIBRARY]
    report.same("an SMS recharge answers 201 with the entry and the license that are in the store",
                (status, body), (201, {"entry": statement["entries"][-1], "license": license}))


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

    status, _, body = functions.ask("GET /sites/{site_id}/license", GYM, "2027-03-31T12:00:00Z")
    report.same("the balance after it all is what the local server says", (status, body), (200, books.held[GYM][0]))

    # Lambda tries a failed event again and keeps it in the end; a refusal that were an answer would be lost.
    failure = functions.deduct("at noon")
    report.check("an event without an instant is an error of the function", "errorType" in failure, shown(failure))
    books.unchanged("an event without an instant changed nothing")


def check_logs(report, functions, server):
    report.same("every function was invoked", sorted(functions.invoked), sorted(functions.template.functions))
    report.same("every route was asked", sorted(functions.asked), sorted(functions.template.routes))
    secrets = {KIM["email"], server.token, *server.codes, *(code.replace("-", "") for code in server.codes)}
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
        check_deduction(report, functions, books)
        check_logs(report, functions, server)
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
