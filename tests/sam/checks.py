"""Checks what SAM makes of the template: its roles, its build, and every function in a Lambda container.

The functions use the table of the local server, whose engine they reach over HTTP as they would reach DynamoDB. After
each invocation, the books are read from that server and compared with what the invocation should have changed. This
program is the stand-in for SNS, and records the requests that it receives.

`run` runs it with the Python of .venv, after the set-up.
"""

import base64
import contextlib
import copy
import datetime
import errno
import fnmatch
import gzip
import http.server
import json
import os
import pathlib
import re
import shutil
import signal
import socket
import socketserver
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import urllib.request
import uuid

from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

ROOT = pathlib.Path(__file__).resolve().parents[2]
# The output of the tools goes here. When one of them fails, its last lines are also printed on the terminal.
LOG = ROOT / ".local" / "sam-checks.log"

# What a failed check found is truncated to this many characters on the terminal, and is complete in the log.
LONGEST_LINE = 600

# Time limits in seconds. The first builds compile every dependency, perhaps on a small machine next to other builds.
BUILD_LIMIT_S = 60 * 60
VALIDATE_LIMIT_S = 120
INVOKE_LIMIT_S = 120
SERVER_LIMIT_S = 60

TABLE_NAME = "site-credits"
# The version of the C library in Amazon Linux 2023, on which the image provided.al2023 is based.
NEWEST_GLIBC = (2, 34)
# The shared libraries that provided.al2023 has and a program in Rust may need.
LIBRARIES = {"ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1", "libc.so.6", "libdl.so.2", "libgcc_s.so.1", "libm.so.6",
             "libpthread.so.0", "librt.so.1"}

# Every role of the stack, including those that SAM adds, and all its permissions.
WRITES_LOGS = ["logs:CreateLogStream on {logs}", "logs:PutLogEvents on {logs}"]
APPLIES_CODES = [
    "dynamodb:BatchGetItem on Table where the key is SITE#* or CODE#* or CALLER#*",
    "dynamodb:GetItem on Table where the key is SITE#*",
    "dynamodb:PutItem on Table where the key is SITE#* within TransactWriteItems",
    "dynamodb:UpdateItem on Table where the key is CODE#* or CALLER#* within TransactWriteItems",
]
PERMISSIONS = {
    "RedeemCodeRole": APPLIES_CODES + [line.format(logs="RedeemCodeLogs") for line in WRITES_LOGS],
    "RechargeSmsRole": APPLIES_CODES + [line.format(logs="RechargeSmsLogs") for line in WRITES_LOGS],
    "GetBalanceRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:Query on Table where the key is SITE#* or ACCOUNT#*",
        "dynamodb:Query on Table/index/account",
    ] + [line.format(logs="GetBalanceLogs") for line in WRITES_LOGS],
    "IssueCodesRole": [
        "dynamodb:BatchGetItem on Table where the key is CODE#*",
        "dynamodb:GetItem on Table where the key is PARTNER#* or CODE#*",
        "dynamodb:PutItem on Table where the key is PARTNER#* or CODE#* or ACCOUNT#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is PARTNER#* or ACCOUNT#*",
        "dynamodb:Query on Table/index/account",
        "dynamodb:UpdateItem on Table where the key is PARTNER#* or CODE#* within TransactWriteItems",
    ] + [line.format(logs="IssueCodesLogs") for line in WRITES_LOGS],
    "ManageSitesRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#* or ADMIN#*",
        "dynamodb:DeleteItem on Table where the key is SITE#* or ADMIN#* within TransactWriteItems",
        "dynamodb:GetItem on Table where the key is SITE#* or ADMIN#*",
        "dynamodb:PutItem on Table where the key is SITE#* or ADMIN#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is SITE#* or ADMIN#*",
    ] + [line.format(logs="ManageSitesLogs") for line in WRITES_LOGS],
    "ManageUsersRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#* or CARD#*",
        "dynamodb:ConditionCheckItem on Table where the key is SITE#* within TransactWriteItems",
        "dynamodb:DeleteItem on Table where the key is SITE#* or CARD#* within TransactWriteItems",
        "dynamodb:GetItem on Table where the key is SITE#* or CARD#*",
        "dynamodb:PutItem on Table where the key is SITE#* or CARD#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is SITE#*",
    ] + [line.format(logs="ManageUsersLogs") for line in WRITES_LOGS],
    "SendSmsRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:ConditionCheckItem on Table where the key is SITE#* within TransactWriteItems",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:PutItem on Table where the key is SITE#* or SNS#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is SITE#*",
        "dynamodb:UpdateItem on Table where the key is SITE#* within TransactWriteItems",
        # A phone number has no ARN: the check cannot be restricted, and publishing only by excluding every topic.
        "sns:CheckIfPhoneNumberIsOptedOut on *",
        "sns:Publish on all but arn:*:sns:*:*:*",
    ] + [line.format(logs="SendSmsLogs") for line in WRITES_LOGS],
    "RecordReceiptsRole": [
        "dynamodb:GetItem on Table where the key is SNS#*",
        "dynamodb:UpdateItem on Table where the key is SITE#* within TransactWriteItems",
        "sqs:SendMessage on RecordReceiptsFailures",
    ] + [line.format(logs="RecordReceiptsLogs") for line in WRITES_LOGS],
    "PublishNoticesRole": [
        "dynamodb:DescribeStream on the stream of Table",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:GetRecords on the stream of Table",
        "dynamodb:GetShardIterator on the stream of Table",
        # This action does not support resource-level permissions.
        "dynamodb:ListStreams on *",
        "sns:Publish on !Ref Notices",
        "sqs:SendMessage on PublishNoticesFailures",
    ] + [line.format(logs="PublishNoticesLogs") for line in WRITES_LOGS],
    "DeductMonthlyRole": [
        "dynamodb:BatchGetItem on Table where the key is SITE#*",
        "dynamodb:ConditionCheckItem on Table where the key is SITE#* within TransactWriteItems",
        "dynamodb:DeleteItem on Table where the key is SITE#* or CARD#* within TransactWriteItems",
        "dynamodb:GetItem on Table where the key is SITE#*",
        "dynamodb:PutItem on Table where the key is SITE#* within TransactWriteItems",
        "dynamodb:Query on Table where the key is SITE#*",
        "dynamodb:Query on Table/index/agenda",
        "dynamodb:UpdateItem on Table where the key is SITE#* within TransactWriteItems",
        "sqs:SendMessage on DeductMonthlyFailures",
    ] + [line.format(logs="DeductMonthlyLogs") for line in WRITES_LOGS],
    "DeductMonthlyFunctionEveryQuarterHourRole": [
        "lambda:InvokeFunction on DeductMonthlyFunction",
        "sqs:SendMessage on DeductMonthlyFailures",
    ],
}
# No role may have an action that matches this, whatever the list above says. BatchWriteItem can delete items without
# the permission DeleteItem. DeleteItem has a check of its own, because some roles need it.
NEVER = re.compile(r"\*|^dynamodb:(Scan|BatchWriteItem|PartiQL.*|.*Table)$", re.IGNORECASE)

# The routes that need no token: a card by its link, and the contract.
OPEN_ROUTES = ["GET /cards/{token}", "GET /openapi.yaml"]
# The kinds of entries that cause a notice, each with the member that has the date that the notice is about.
NOTICES = {"warning": "falls_short_on", "halt": "due_on", "resume": "resumed_on"}

# The placeholder that the scheduler replaces with the scheduled time.
SCHEDULED_TIME = "<aws.scheduler.scheduled-time>"

# The demonstration's sites and their administrator, and somebody who is invited to one, with an ID that they could get.
GYM, LIBRARY = "GYM7QP2MR", "BRARY5X9S"
GYM_NAME, LIBRARY_NAME = "Harbour Gym", "City Library"
KIM = {"sub": "kim", "email": "kim@example.com", "email_verified": "true"}
PERSON = "9N5PQR8SE2K0G4MX"
ROBIN = {"sub": "robin", "email": "robin@example.com", "email_verified": "true"}
# A user of the library, whose number is in Austrian notation; the same number in E.164, and masked.
ANN = {"user_id": "ann", "name": "Annabel Gruber", "email": "annabel@example.com", "mobile": "0664 / 123 45 67"}
NUMBER, MASKED_NUMBER = "+436641234567", "+43********67"
# Users who are imported: one with an ID, and one whose ID is the next number.
BEN, EVA = {"user_id": "ben", "name": "Benedikt Novak"}, {"user_id": "1", "name": "Eva Horak"}
# A text that, after the site's name, does not fit into one part.
CLOSED = " ".join(["The library is closed today."] * 6)
# The sender ID of messages, and the topic of notices.
SENDER, TOPIC = "SiteCredits", "arn:aws:sns:eu-central-1:123456789012:site-credits-notices"
# The partner who issues the demonstration's codes, and one of its people.
PARTNER = "acme"
ADA = {"sub": "ada", "partner_id": PARTNER}
# The demonstration is created at this instant, and the local server's clock is frozen at it, so that its own schedule
# charges nothing.
OPENING = "2026-01-31T08:00:00Z"


class Report:
    """Prints a line for each check, and counts the results."""

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
        self.check(title, found == expected, f"found {shown(found)}, expected {shown(expected)}")


def shown(value):
    return json.dumps(value, default=repr, sort_keys=True)


class GaveUp(Exception):
    """A failure after which nothing that follows can be checked."""


# --------------------------------------------------------------------------------------------------------- the programs
def run(command, limit_s, stdin=None, environment=None):
    """Runs a program to completion, and returns its exit status, its standard output and its standard error."""
    process = subprocess.Popen(
        [str(part) for part in command], cwd=ROOT, env=environment, text=True, start_new_session=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    try:
        stdout, stderr = process.communicate(stdin, timeout=limit_s)
    except BaseException as error:
        end(process)
        if isinstance(error, subprocess.TimeoutExpired):
            raise GaveUp(f"{command[0]} did not finish within {limit_s} s") from None
        raise
    with LOG.open("a") as log:
        log.write(f"--- {' '.join(map(str, command))}: status {process.returncode}\n{stdout}{stderr}")
    return process.returncode, stdout, stderr


def end(process):
    """Ends a program and all that it started: with SIGINT, on which SAM removes its container, or else with SIGKILL."""
    for signal_number in (signal.SIGINT, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal_number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=15)
            return


def sam(arguments, limit_s, stdin=None):
    """Runs SAM without the caller's AWS credentials, so that no mistake here can affect an account."""
    environment = {name: value for name, value in os.environ.items() if name not in (
        "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE")}
    environment.update({
        "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_EC2_METADATA_DISABLED": "true",
        "SAM_CLI_TELEMETRY": "0", "PATH": f"{ROOT / '.venv' / 'bin'}{os.pathsep}{os.environ['PATH']}",
        # cargo-lambda sets its own linker, and cargo rebuilds everything when the linker changes. In a shared
        # directory, this build and `cargo build --release` would invalidate each other.
        "CARGO_TARGET_DIR": str(ROOT / "target" / "sam")})
    return run(["sam", *arguments], limit_s, stdin, environment)


def last_lines(text):
    return " / ".join(line.strip() for line in text.strip().splitlines()[-5:]) or "no output"


def took(since):
    return f"{time.monotonic() - since:.0f} s"


# --------------------------------------------------------------------------------------------------------- the template
class Template:
    """The template, as it is written and as SAM translates it for CloudFormation."""

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
        # The translation modifies its input, so it gets a copy. It requires uploaded packages, a region and parameters,
        # whose values do not matter here.
        os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")
        fragment = yaml_parse(text)
        for name in self.functions.values():
            fragment["Resources"][name]["Properties"]["CodeUri"] = "s3://packages/package"
        parameters = {"JwtIssuer": "https://issuer.example", "JwtAudience": "site-credits"}
        self.resources = transform(fragment, parameters, NoManagedPolicies())["Resources"]
        [schedule] = self.of_type("AWS::Scheduler::Schedule").values()
        self.schedule = schedule["Properties"]["Target"]["Input"]
        # The filter patterns of the stream's records.
        [mapping] = self.of_type("AWS::Lambda::EventSourceMapping").values()
        self.filters = [json.loads(one["Pattern"]) for one in mapping["Properties"]["FilterCriteria"]["Filters"]]

    def of_type(self, kind):
        return {name: resource for name, resource in self.resources.items() if resource["Type"].startswith(kind)}


class NoManagedPolicies:
    """The template uses no managed policies, and loading them would need an account."""

    def load(self):
        return {}


def check_template(report):
    template = Template()
    roles = template.of_type("AWS::IAM::Role")
    report.same("the roles are exactly those expected, and nothing else grants permissions",
                sorted(template.of_type("AWS::IAM::")), sorted(PERMISSIONS))
    functions = template.of_type("AWS::Lambda::Function")
    report.same("every function has a role of its own",
                {name: function["Properties"]["Role"] for name, function in functions.items()},
                {name: {"Fn::GetAtt": [name.replace("Function", "Role"), "Arn"]} for name in functions})
    for name, role in roles.items():
        granted, expected = set(permissions(role)), set(PERMISSIONS.get(name, []))
        report.check(f"{name} has exactly the permissions that it needs", granted == expected,
                     f"unneeded: {shown(sorted(granted - expected))}, missing: {shown(sorted(expected - granted))}")
    actions = {action for role in roles.values() for statement in statements(role) for action in actions_of(statement)}
    report.same("no role has a wildcard, scans, writes in batches or changes a table",
                list(filter(NEVER.search, actions)), [])
    report.same("only manage-sites, manage-users and deduct-monthly delete, and only within a transaction",
                sorted((name, line.rpartition(" within ")[2]) for name, role in roles.items()
                       for line in permissions(role) if line.casefold().startswith("dynamodb:deleteitem")),
                [(name, "TransactWriteItems") for name in ("DeductMonthlyRole", "ManageSitesRole", "ManageUsersRole")])
    report.same("only two roles reach anything outside this stack, and no more than they need",
                sorted((name, line) for name, role in roles.items() for line in permissions(role)
                       if re.search(r" on (\*|all but|\[|null|arn:)", line)),
                [("PublishNoticesRole", "dynamodb:ListStreams on *"),
                 ("SendSmsRole", "sns:CheckIfPhoneNumberIsOptedOut on *"),
                 ("SendSmsRole", "sns:Publish on all but arn:*:sns:*:*:*")])
    report.same("issue-codes cannot touch a site: the index of the account tells it which site a code is of",
                list(reaching(roles["IssueCodesRole"], "SITE#")), [])
    report.same("manage-sites, manage-users, send-sms and record-receipts cannot touch a code",
                [(name, action) for name in ("ManageSitesRole", "ManageUsersRole", "SendSmsRole", "RecordReceiptsRole")
                 for kind in ("CODE#", "PARTNER#", "ACCOUNT#") for action in reaching(roles[name], kind)], [])
    report.same("send-sms cannot touch the link of a card", list(reaching(roles["SendSmsRole"], "CARD#")), [])
    # By the name of the variable or by the key within the secret, which a variable of another name could have.
    report.same("only issue-codes can derive codes",
                [name for name, function in functions.items()
                 if "derive" in shown(function["Properties"]["Environment"]).casefold()],
                [template.functions["issue-codes"]])
    report.same("only manage-users and send-sms can make the links of cards",
                sorted(name for name, function in functions.items()
                       if re.search("card_secrets|:cards:", shown(function["Properties"]["Environment"]).casefold())),
                [template.functions["manage-users"], template.functions["send-sms"]])
    [api] = template.of_type("AWS::ApiGatewayV2::Api").values()
    report.same("every route but the contract's and that of a card's link needs a token",
                sorted(f"{method.upper()} {path}" for path, methods in api["Properties"]["Body"]["paths"].items()
                       for method, operation in methods.items() if operation.get("security") != [{"Issuer": []}]),
                OPEN_ROUTES)
    check_events(report, template)
    check_watching(report, template, functions)
    return template


def check_events(report, template):
    """What invokes the functions without routes, and where the events that they failed on are kept."""
    [table] = template.of_type("AWS::DynamoDB::Table").values()
    report.same("the table has a stream of what is written",
                table["Properties"].get("StreamSpecification"), {"StreamViewType": "NEW_IMAGE"})
    [mapping] = template.of_type("AWS::Lambda::EventSourceMapping").values()
    properties = mapping["Properties"]
    report.same("publish-notices reads that stream in order, and reports which records to retry",
                {name: properties.get(name) for name in (
                    "EventSourceArn", "FunctionName", "FunctionResponseTypes", "ParallelizationFactor",
                    "StartingPosition")},
                {"EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]},
                 "FunctionName": {"Ref": template.functions["publish-notices"]},
                 "FunctionResponseTypes": ["ReportBatchItemFailures"], "ParallelizationFactor": 1,
                 "StartingPosition": "TRIM_HORIZON"})
    subscriptions = template.of_type("AWS::Logs::SubscriptionFilter").values()
    receipts = {"Fn::GetAtt": [template.functions["record-receipts"], "Arn"]}
    report.same("record-receipts gets every line of the two log groups that SNS writes receipts to",
                sorted((subscription["Properties"] for subscription in subscriptions), key=shown),
                [{"DestinationArn": receipts, "FilterPattern": "", "LogGroupName": {"Ref": group}}
                 for group in ("SmsFailureReceipts", "SmsReceipts")])
    invocations = [mapping, *template.of_type("AWS::Lambda::EventInvokeConfig").values()]
    report.same("the events that each of them failed on are kept in a queue of its own",
                {invocation["Properties"]["FunctionName"]["Ref"]:
                 invocation["Properties"].get("DestinationConfig", {}).get("OnFailure") for invocation in invocations},
                {template.functions[binary]: {"Destination": {"Fn::GetAtt": [queue, "Arn"]}} for binary, queue in (
                    ("publish-notices", "PublishNoticesFailures"), ("record-receipts", "RecordReceiptsFailures"),
                    ("deduct-monthly", "DeductMonthlyFailures"))})


def check_watching(report, template, functions):
    """The logs, and the alarms."""
    groups = template.of_type("AWS::Logs::LogGroup")
    report.same("every function writes to a log group of its own",
                {name: function["Properties"]["LoggingConfig"].get("LogGroup") for name, function in functions.items()},
                {name: {"Ref": name.replace("Function", "Logs")} for name in functions})
    report.same("no log is kept for ever, and logs with phone numbers are kept for a day",
                {name: group["Properties"].get("RetentionInDays") for name, group in groups.items()
                 if group["Properties"].get("RetentionInDays") != {"Ref": "LogRetentionDays"}},
                {"SmsReceipts": 1, "SmsFailureReceipts": 1})
    alarms = [alarm["Properties"] for alarm in template.of_type("AWS::CloudWatch::Alarm").values()]
    metrics = [part["MetricStat"]["Metric"] for alarm in alarms for part in alarm.get("Metrics", [])
               if "MetricStat" in part] + [alarm for alarm in alarms if "MetricName" in alarm]
    watched = {(metric["MetricName"], shown(dimension["Value"])) for metric in metrics
               for dimension in metric["Dimensions"]}
    wanted = {(name, shown({"Ref": function})) for function in functions for name in ("Errors", "Throttles")}
    wanted |= {("ApproximateNumberOfMessagesVisible", shown({"Fn::GetAtt": [queue, "QueueName"]}))
               for queue in template.of_type("AWS::SQS::Queue")}
    report.same("there are alarms for every function that fails or is throttled, and every queue that is not empty",
                sorted(wanted - watched), [])


def statements(role):
    for policy in role["Properties"].get("Policies", []):
        yield from policy["PolicyDocument"]["Statement"]


def actions_of(statement):
    # `NotAction` grants every action that it does not name, so it counts as a wildcard.
    actions = statement.get("Action", "*")
    return [actions] if isinstance(actions, str) else actions


def reaching(role, kind):
    """The actions of a role on items whose keys begin with `kind`, by a pattern or because nothing restricts them.
    An index has keys of its own, and is read only."""
    for statement in statements(role):
        if "/index/" in shown(statement.get("Resource", "")):
            continue
        keys = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
        if any(key.startswith(kind) or fnmatch.fnmatchcase(kind, key) for key in keys):
            yield from (action for action in actions_of(statement) if action.casefold().startswith("dynamodb:"))


def permissions(role):
    """What a role may do, a line for each action. An unusual statement is shown as it is, and so fails the check."""
    for unusual in {"ManagedPolicyArns", "PermissionsBoundary"} & role["Properties"].keys():
        yield f"{unusual} {shown(role['Properties'][unusual])}"
    for statement in statements(role):
        line = ""
        # `NotResource` means everything except what it names. Next to a `Resource` it is invalid, and is shown.
        unusual = statement.keys() - {"Effect", "Action", "Resource", "Condition"}
        match statement:
            case {"NotResource": str(text)} if "Resource" not in statement:
                line = f" on all but {text}"
                unusual -= {"NotResource"}
            case {"Resource": {"Fn::GetAtt": [name, "Arn"]}}:
                line = f" on {name}"
            case {"Resource": {"Fn::GetAtt": [name, "StreamArn"]}}:
                line = f" on the stream of {name}"
            case {"Resource": {"Fn::Sub": str(text)}}:
                line = f" on {text.replace('${Table.Arn}', 'Table')}"
            # For a topic, `Ref` is the ARN.
            case {"Resource": {"Ref": str(name)}}:
                line = f" on !Ref {name}"
            case {"Resource": str(text)}:
                line = f" on {text}"
            case _:
                line = f" on {shown(statement.get('Resource'))}"
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
        if unusual or statement["Effect"] != "Allow":
            line += f" in {shown(statement)}"
        yield from (action + line for action in actions_of(statement))


def check_validity(report):
    since = time.monotonic()
    status, stdout, stderr = sam(["validate", "--lint"], VALIDATE_LIMIT_S)
    report.check(f"sam validate --lint is clean ({took(since)})", status == 0, last_lines(stdout + stderr))


# ------------------------------------------------------------------------------------------------------------ the build
def check_build(report, template, setup):
    report.same("the template has every function in functions/", sorted(template.functions),
                sorted(manifest.parent.name for manifest in ROOT.glob("functions/*/Cargo.toml")))
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
        # The stand-in image has this machine's C library, and would hide that a function does not start on AWS.
        report.check(f"{binary} needs no newer C library than Amazon Linux 2023 has ({len(content) / 1e6:.1f} MB)",
                     needed <= NEWEST_GLIBC, f"it needs version {needed}")
        report.same(f"{binary} needs no library that provided.al2023 lacks", sorted(libraries(content) - LIBRARIES), [])


def newest_glibc(content):
    """The newest version of the C library that a binary requires, from symbol versions such as `GLIBC_2.34`."""
    versions = re.findall(rb"GLIBC_(\d+)\.(\d+)", content)
    return max(((int(major), int(minor)) for major, minor in versions), default=(0, 0))


def libraries(content):
    """The shared libraries that a binary names."""
    return {name.decode() for name in re.findall(rb"\0((?:lib|ld-)[\w+-]+\.so\.\d+)(?=\0)", content)}


def architecture(setup):
    return ["--parameter-overrides", f"Architecture={setup['SAM_ARCHITECTURE']}"]


# ----------------------------------------------------------------------------------------------------- the local server
class Server:
    """The local server with the demonstration in a folder of its own, and its engine reachable from containers."""

    def __init__(self, program, data, setup):
        self.program, self.data = program, data
        host, port = free_address(setup["SAM_HOST_GATEWAY"])
        # No other run has this port, so it also identifies our containers.
        self.endpoint = f"http://host.docker.internal:{port}"
        self.process = subprocess.Popen(
            [program, "serve", "--data", data, "--port", "0", "--clock", OPENING, "--engine", f"{host}:{port}"],
            cwd=ROOT, text=True, start_new_session=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=LOG.open("a"))
        self.said = []
        self.ready = threading.Event()
        threading.Thread(target=self.listen, daemon=True).start()
        # The line about the engine is the last one that it prints at the start.
        if not self.ready.wait(SERVER_LIMIT_S) or self.process.poll() is not None:
            end(self.process)
            raise GaveUp(f"the local server did not start: {last_lines(LOG.read_text())}")
        said = "\n".join(self.said)
        self.url = re.search(r"\bURL=([^\s;]+)", said)[1]
        self.token = self.token_of({"email": KIM["email"]})
        self.partner_token = self.token_of({"partner_id": PARTNER})
        batch = json.dumps({"credits": 100, "count": 3}).encode()
        self.codes = self.send(urllib.request.Request(
            f"{self.url}/partners/{PARTNER}/code-batches", batch,
            {"Authorization": f"Bearer {self.partner_token}"}))["codes"]

    def token_of(self, person):
        """A token of the local issuer for this person."""
        person = json.dumps(person).encode()
        return self.send(urllib.request.Request(f"{self.url}/_local/token", person))["access_token"]

    def listen(self):
        # Its output is read to the end, because a full pipe would block it.
        for line in self.process.stdout:
            self.said.append(line.rstrip("\n"))
            if line.startswith("The engine speaks DynamoDB"):
                self.ready.set()
        self.ready.set()

    def get(self, path):
        """Its answer to the sites' administrator, or to the partner if the path is the partner's."""
        token = self.partner_token if path.startswith("/partners/") else self.token
        return self.send(urllib.request.Request(self.url + path, headers={"Authorization": f"Bearer {token}"}))

    def open(self, link):
        """Its answer to anyone who opens this link."""
        return self.send(urllib.request.Request(link))

    def send(self, request):
        # The server is on this machine, so any proxy in the environment is ignored.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=SERVER_LIMIT_S) as answer:
            return json.load(answer)

    def books(self):
        """The license and the statement of each site that the administrator has."""
        sites = [site["site_id"] for site in self.get("/sites")["sites"]]
        return {site: (self.get(f"/sites/{site}/license"), self.get(f"/sites/{site}/license/statement?limit=100"))
                for site in sites}

    def stop(self):
        """Stops it with SIGTERM, and returns its exit status."""
        self.process.terminate()
        try:
            return self.process.wait(timeout=SERVER_LIMIT_S)
        finally:
            end(self.process)


def free_address(gateway):
    """A free address that containers reach through the gateway's address."""
    for host in (gateway, "127.0.0.1"):
        with socket.socket() as listener:
            try:
                listener.bind((host, 0))
                return listener.getsockname()
            except OSError as error:
                # Where Docker runs in a virtual machine, the gateway is there, and forwards to this one's loopback.
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
    raise GaveUp("there is no address for containers")


def built_server(report):
    """Builds the local server as the tests do, so that nothing is compiled again after them, and returns its path."""
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


# ------------------------------------------------------------------------------------------------------------------ SNS
class Network:
    """A stand-in for SNS, which speaks its Query protocol and records every request."""

    def __init__(self, setup):
        self.taken = []
        # The IDs of the messages that were published, in order.
        self.ids = []
        self.listener = Listener(free_address(setup["SAM_HOST_GATEWAY"]), NetworkRequest)
        self.listener.network = self
        self.endpoint = f"http://host.docker.internal:{self.listener.server_address[1]}"
        threading.Thread(target=self.listener.serve_forever, daemon=True).start()

    def take(self, parameters):
        """Records a request, and returns its result, or None for an unknown action."""
        request = {name: value for name, value in parameters.items()
                   if name != "Version" and not name.startswith("MessageAttributes.")}
        attributes = {}
        for number in range(1, len(parameters) + 1):
            place = f"MessageAttributes.entry.{number}"
            if f"{place}.Name" in parameters:
                attributes[parameters[f"{place}.Name"]] = tuple(
                    parameters.get(f"{place}.Value.{part}") for part in ("DataType", "StringValue"))
        if attributes:
            request["attributes"] = attributes
        self.taken.append(request)
        match request.get("Action"):
            case "Publish":
                self.ids.append(str(uuid.uuid4()))
                return f"<MessageId>{self.ids[-1]}</MessageId>"
            case "CheckIfPhoneNumberIsOptedOut":
                return "<isOptedOut>false</isOptedOut>"

    def took(self):
        """The requests since the last call."""
        taken, self.taken = self.taken, []
        return taken

    def close(self):
        self.listener.shutdown()
        self.listener.server_close()


class Listener(socketserver.ThreadingTCPServer):
    """An HTTP server that does not look up its own host name, which is slow where DNS does not have it."""

    daemon_threads = allow_reuse_address = True


class NetworkRequest(http.server.BaseHTTPRequestHandler):
    """One request to the stand-in for SNS."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0))).decode()
        parameters = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        result, action = self.server.network.take(parameters), parameters.get("Action")
        of_sns = 'xmlns="http://sns.amazonaws.com/doc/2010-03-31/"'
        if result is None:
            status, answer = 400, (
                f"<ErrorResponse {of_sns}><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>It is not used "
                "here</Message></Error><RequestId>stand-in</RequestId></ErrorResponse>")
        else:
            status, answer = 200, (
                f"<{action}Response {of_sns}><{action}Result>{result}</{action}Result><ResponseMetadata>"
                f"<RequestId>stand-in</RequestId></ResponseMetadata></{action}Response>")
        self.send_response(status)
        self.send_header("content-type", "text/xml")
        self.send_header("content-length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_):
        pass


# ------------------------------------------------------------------------------------------------------ the invocations
class Functions:
    """The functions in their containers."""

    def __init__(self, template, setup, server, network, folder):
        self.template, self.setup = template, setup
        self.event = json.loads((ROOT / "tests" / "data" / "http-api-event.json").read_text())
        # Links lead to the local server, so that those that a function returns can be opened there.
        self.card_link_base = f"{server.url}/cards/"
        seed = (ROOT / "infra" / "local" / "src" / "seed.rs").read_text()
        secrets = re.search(r'LOCAL_SECRETS: &str =\s*"([^"]+)"', seed)[1]
        # Every function gets them all, but SAM passes on only the variables that a function has in the template.
        variables = {"TABLE_NAME": TABLE_NAME, "CODE_CHECK_SECRETS": secrets, "CODE_DERIVE_SECRETS": secrets,
                     "CARD_SECRETS": secrets, "CARD_LINK_BASE": self.card_link_base, "SMS_SENDER_ID": SENDER,
                     "NOTICE_TOPIC_ARN": TOPIC, "AWS_ENDPOINT_URL_DYNAMODB": server.endpoint,
                     "AWS_ENDPOINT_URL_SNS": network.endpoint}
        self.variables = folder / "variables.json"
        self.variables.write_text(json.dumps({"Parameters": variables}))
        self.invoked, self.asked, self.tokens = set(), set(), set()
        self.logs = ""

    def invoke(self, binary, event):
        """Invokes a function, and returns its result."""
        status, stdout, stderr = sam(
            ["local", "invoke", self.template.functions[binary], "--event", "-", "--env-vars", self.variables,
             "--skip-pull-image", "--add-host", "host.docker.internal:host-gateway", *architecture(self.setup)],
            INVOKE_LIMIT_S, json.dumps(event))
        self.invoked.add(binary)
        self.logs += stderr
        try:
            return json.loads(stdout)
        except ValueError:
            # If a function fails before its first event, SAM prints no answer.
            raise GaveUp(f"{binary} gave no answer (status {status}): {last_lines(stderr)}") from None

    def ask(self, route, at, key=None, body=None, query=None, accept=None, claims=KIM, **parameters):
        """Sends a request as the HTTP API would, and returns the status, the headers and the body. `parameters` are
        those of the path. A string as the body is CSV. `claims` is None for a route without an authorizer."""
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
        if isinstance(body, str):
            event["headers"]["content-type"], event["body"] = "text/csv", body
        elif body is not None:
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

    def open(self, link, at):
        """Opens a card by its link, as anyone may."""
        token = link.removeprefix(self.card_link_base)
        self.tokens.add(token)
        return self.ask("GET /cards/{token}", at, claims=None, token=token)

    def deduct(self, at):
        """Runs the deduction with the event that the schedule makes of its input."""
        return self.invoke("deduct-monthly", json.loads(self.template.schedule.replace(SCHEDULED_TIME, at)))


def milliseconds(instant):
    return int(datetime.datetime.fromisoformat(instant.replace("Z", "+00:00")).timestamp() * 1000)


class Books:
    """The licenses and statements of all sites when they were last read."""

    def __init__(self, report, server):
        self.report, self.server = report, server
        self.held = server.books()

    def unchanged(self, title):
        held = self.server.books()
        self.report.same(title, held, self.held)
        self.held = held

    def grew(self, title, site, kinds, **license):
        """Checks that exactly these entries were added to this site's statement, that its license has these values,
        and that the other sites are unchanged."""
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
    """The report of a deduction run: zero, except for these counts."""
    return {"sites": 0, "credits": 0, "due_dates": 0, "halted": 0, "warned": 0, "messages": 0, "erased": 0, "left": 0,
            "failed": 0, **counts}


def forged(code):
    """The code or link with a different last symbol."""
    return code[:-1] + ("0" if code[-1] != "0" else "1")


def check_reading(report, functions, books):
    server = books.server
    status, _, body = functions.ask("GET /sites/{site_id}/license", OPENING, site_id=GYM)
    report.same("a balance is what the local server says", (status, body), (200, server.get(f"/sites/{GYM}/license")))
    statement = "GET /sites/{site_id}/license/statement"
    status, _, body = functions.ask(statement, OPENING, site_id=GYM)
    report.same("a statement is what the local server says",
                (status, body), (200, server.get(f"/sites/{GYM}/license/statement")))
    query = {"from": "2026-01-31", "limit": "2"}
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
                (200, {"balances": balances(0), "status": "activated", "overdue": {"credits": 0}},
                 {"balances": balances(100), "status": "activated", "overdue": {"credits": 0}}))
    books.unchanged("a preview changed nothing")

    first = functions.redeem(LIBRARY, code, "2026-01-31T08:05:00Z", "redemption-1")
    books.grew("a redemption added its credits, in one entry", LIBRARY, ["redemption"], balances=balances(100))
    license, statement = books.held[LIBRARY]
    status, headers, body = first
    report.same("a redemption answers 201 with the entry and the license that are in the store",
                (status, headers.get("idempotency-replayed"), body),
                (201, None, {"entry": statement["entries"][-1], "license": license}))
    report.same("its entry is of a hundred credits", body.get("entry", {}).get("changes"), balances(100))

    status, headers, again = functions.redeem(LIBRARY, code, "2026-01-31T08:06:00Z", "redemption-1")
    report.same("its replay answers as the first time, and says so",
                (status, headers.get("idempotency-replayed"), again), (201, "true", body))
    books.unchanged("its replay changed nothing")

    status, _, problem = functions.redeem(LIBRARY, code, "2026-01-31T08:07:00Z", "redemption-2")
    report.same("the same code under another key is refused, with the entry that it led to",
                (status, problem.get("code"), problem.get("entry")),
                (409, "code-already-applied", statement["entries"][-1]["sequence"]))
    books.unchanged("the same code under another key changed nothing")

    status, _, problem = functions.redeem(LIBRARY, forged(unused), "2026-01-31T08:08:00Z", "redemption-3")
    report.same("a forged code is not recognised", (status, problem.get("code")), (422, "code-not-recognised"))
    books.unchanged("a forged code changed nothing")


def check_sms(report, functions, books):
    code = books.server.codes[1]
    status, _, body = functions.ask("POST /sites/{site_id}/sms/redemptions", "2026-01-31T08:10:00Z", "sms-1",
                                    {"code": code}, site_id=LIBRARY)
    books.grew("an SMS recharge added fifty SMS a credit, in one entry", LIBRARY, ["sms_redemption"],
               balances=balances(100, 5000))
    license, statement = books.held[LIBRARY]
    report.same("an SMS recharge answers 201 with the entry and the license that are in the store",
                (status, body), (201, {"entry": statement["entries"][-1], "license": license}))


def check_users(report, functions, books):
    server, ann = books.server, {"site_id": LIBRARY, "user_id": ANN["user_id"]}
    status, _, body = functions.ask(
        "POST /sites/{site_id}/users", "2026-01-31T08:11:00Z", "user-1", ANN, site_id=LIBRARY)
    user = {**ANN, "mobile": NUMBER, "kind": None, "added_at": "2026-01-31T08:11:00Z", "card": None}
    report.same("an addition answers 201 with the user, whose number was read as one of the site's country",
                (status, body), (201, {"user": user}))

    lines = [["user_id", "name"], [BEN["user_id"], BEN["name"]], ["", EVA["name"]], [ANN["user_id"], "Somebody Else"]]
    status, _, body = functions.ask("POST /sites/{site_id}/users/import", "2026-01-31T08:11:10Z", "import-1",
                                    "".join(",".join(line) + "\r\n" for line in lines), site_id=LIBRARY)
    report.same("an import adds what it can, and reports the outcome of each line",
                (status, body.get("added"), body.get("refused"),
                 [(line["line"], line["user_id"], line["code"]) for line in body.get("lines", [])]),
                (200, 2, 1, [(2, BEN["user_id"], None), (3, EVA["user_id"], None), (4, None, "user-exists")]))

    status, _, body = functions.ask("PATCH /sites/{site_id}/users/{user_id}", "2026-01-31T08:11:20Z", "user-2",
                                    {"kind": "member"}, **ann)
    user["kind"] = "member"
    report.same("a change answers with the user as they are now", (status, body), (200, {"user": user}))
    status, _, body = functions.ask("GET /sites/{site_id}/users/{user_id}", "2026-01-31T08:11:30Z", **ann)
    report.same("a user is shown, and the local server says the same",
                (status, body, server.get(f"/sites/{LIBRARY}/users/{ANN['user_id']}")),
                (200, {"user": user}, {"user": user}))

    unknown = {"kind": None, "email": None, "mobile": None, "added_at": "2026-01-31T08:11:10Z", "card": None}
    users = [{**EVA, **unknown}, user, {**BEN, **unknown}]
    status, _, body = functions.ask("GET /sites/{site_id}/users", "2026-01-31T08:11:40Z", site_id=LIBRARY)
    report.same("the users are listed, numbers first, and the local server says the same",
                (status, body, server.get(f"/sites/{LIBRARY}/users")),
                (200, *[{"users": users, "next_cursor": None}] * 2))
    status, headers, table = functions.ask(
        "GET /sites/{site_id}/users", "2026-01-31T08:11:50Z", accept="text/csv", site_id=LIBRARY)
    columns = ["user_id", "name", "kind", "email", "mobile", "card_id", "card_status", "valid_from", "valid_until"]
    # A spreadsheet would drop the plus sign of an unprotected number.
    protected = [{**user, "mobile": user["mobile"] and "'" + user["mobile"]} for user in users]
    rows = [columns, *([user.get(column) or "" for column in columns] for user in protected)]
    report.same("they are exported as CSV with the same cells",
                (status, headers.get("content-type"), table),
                (200, "text/csv; charset=utf-8",
                 "".join(",".join(f'"{cell}"' for cell in row) + "\r\n" for row in rows)))
    books.unchanged("adding, importing and changing users changed no balance and wrote no entry")


def check_cards(report, functions, books):
    """Returns the card that the library's user has at the end."""
    server, ann = books.server, {"site_id": LIBRARY, "user_id": ANN["user_id"]}
    issue = "POST /sites/{site_id}/users/{user_id}/card"
    status, headers, issued = functions.ask(issue, "2026-01-31T08:12:00Z", "card-1", {}, **ann)
    if status != 201:
        raise GaveUp(f"no card was issued: {shown(issued)}")
    card = issued["card"]
    books.grew("a card took a credit of a regular site, in one entry", LIBRARY, ["card_issue"],
               balances=balances(99, 5000))
    license, statement = books.held[LIBRARY]
    good_from = {"status": "active", "valid_from": "2026-01-31", "valid_until": None}
    report.same("an issue answers 201 with the card, and the entry and the license that are in the store",
                (headers.get("idempotency-replayed"), issued),
                (None, {"card": {"card_id": card["card_id"], "link": card["link"], **good_from,
                                 "issued_at": "2026-01-31T08:12:00Z"},
                        "entry": statement["entries"][-1], "license": license}))
    report.check("its link begins as it should, and ends in a token of 120 bits",
                 re.fullmatch(re.escape(functions.card_link_base) + "[0-9A-HJKMNP-TV-Z]{24}", card["link"]) is not None,
                 card["link"])
    status, headers, again = functions.ask(issue, "2026-01-31T08:12:10Z", "card-1", {}, **ann)
    report.same("its replay answers as the first time, and says so",
                (status, headers.get("idempotency-replayed"), again), (201, "true", issued))

    visible = {name: value for name, value in card.items() if name != "link"}
    visible |= {"site_id": LIBRARY, "site_name": LIBRARY_NAME, "name": ANN["name"]}
    status, _, body = functions.open(card["link"], "2026-01-31T08:12:20Z")
    report.same("whoever has the link opens the card and sees no more of the user, and the local server says the same",
                (status, body, server.open(card["link"])), (200, *[{"card": visible}] * 2))
    status, _, problem = functions.open(forged(card["link"]), "2026-01-31T08:12:30Z")
    report.same("a link that was made up leads to no card", (status, problem.get("code")), (404, "card-not-found"))

    status, _, body = functions.ask("PATCH /sites/{site_id}/users/{user_id}/card", "2026-01-31T08:12:40Z", "card-2",
                                    {"status": "paused"}, **ann)
    paused = {"card": {**card, "status": "paused"}}
    report.same("a card is paused, and its link shows that",
                (status, body, server.open(card["link"])), (200, paused, {"card": {**visible, "status": "paused"}}))
    status, _, body = functions.ask("GET /sites/{site_id}/users/{user_id}/card", "2026-01-31T08:12:50Z", **ann)
    report.same("a card is shown, and the local server says the same",
                (status, body, server.get(f"/sites/{LIBRARY}/users/{ANN['user_id']}/card")), (200, paused, paused))
    books.unchanged("replaying, opening, pausing and showing a card changed no balance and wrote no entry")

    status, _, body = functions.ask("POST /sites/{site_id}/users/{user_id}/card/reissues", "2026-01-31T08:13:00Z",
                                    "card-3", {}, **ann)
    if status != 201:
        raise GaveUp(f"no card was re-issued: {shown(body)}")
    replacement = body["card"]
    books.grew("a replacement card took a credit, as there is no maintenance credit", LIBRARY,
               ["card_reissue"], balances=balances(98, 5000))
    license, statement = books.held[LIBRARY]
    [person] = [user["person"] for user in statement["users"] if user.get("user_id") == ANN["user_id"]]
    report.same("a re-issue answers 201 with another card, and the entry and the license that are in the store",
                (body, body["entry"].get("refers_to"), replacement["link"] != card["link"]),
                ({"card": {"card_id": replacement["card_id"], "link": replacement["link"], **good_from,
                           "issued_at": "2026-01-31T08:13:00Z"},
                  "entry": statement["entries"][-1], "license": license},
                 {"person": person, "card_id": replacement["card_id"], "replaces": card["card_id"]}, True))
    status, _, problem = functions.open(card["link"], "2026-01-31T08:13:10Z")
    report.same("the link of the card that was replaced leads nowhere",
                (status, problem.get("code")), (404, "card-not-found"))
    return replacement


def text_message(text):
    """The requests to SNS for a message: whether the number's owner has opted out, and the message, once."""
    return [{"Action": "CheckIfPhoneNumberIsOptedOut", "phoneNumber": NUMBER},
            {"Action": "Publish", "PhoneNumber": NUMBER, "Message": text,
             "attributes": {"AWS.SNS.SMS.SMSType": ("String", "Transactional"),
                            "AWS.SNS.SMS.SenderID": ("String", SENDER)}}]


def check_messages(report, functions, books, network, card):
    """Returns the messages that it sends, the oldest first."""
    server = books.server
    report.same("nothing was sent so far", network.took(), [])
    wish, notice = {"user_id": ANN["user_id"], "text": CLOSED}, f"{LIBRARY_NAME}: {CLOSED}"
    status, _, body = functions.ask("POST /sites/{site_id}/sms/messages/preview", "2026-01-31T08:14:00Z", body=wish,
                                    site_id=LIBRARY)
    in_two = {"template": "notice", "language": "de", "encoding": "GSM-7", "units": len(notice), "parts": 2}
    report.same("a preview shows the message, what it costs, and the balance before and after",
                (status, body),
                (200, {"text": notice, "to": MASKED_NUMBER, **in_two, "before": {"sms": 5000}, "after": {"sms": 4998}}))
    report.same("a preview sent nothing", network.took(), [])
    books.unchanged("a preview of a message changed nothing")

    deliver = "POST /sites/{site_id}/users/{user_id}/card/deliveries"
    ann = {"site_id": LIBRARY, "user_id": ANN["user_id"]}
    status, headers, delivered = functions.ask(deliver, "2026-01-31T08:15:00Z", "delivery-1", {}, **ann)
    if status != 201:
        raise GaveUp(f"no card was delivered: {shown(delivered)}")
    books.grew("a card that was delivered took an SMS, in one entry", LIBRARY, ["sms_reservation"],
               balances=balances(98, 4999))
    taken = network.took()
    text = taken[-1].get("Message", "") if taken else ""
    report.same("SNS was asked whether the number opted out, and got one message to it", taken, text_message(text))
    report.check("the message has the site's name and the card's link",
                 text.startswith(f"{LIBRARY_NAME}: ") and card["link"] in text, text)
    entry = books.held[LIBRARY][1]["entries"][-1]
    to_ann = {"user_id": ANN["user_id"], "to": MASKED_NUMBER, "country": "AT", "state": "sent", "not_sent": None,
              "receipt": None}
    first = {"message_id": delivered["message"]["message_id"], **to_ann, "template": "card", "language": "de",
             "encoding": "GSM-7", "units": len(text), "parts": 1, "reserved_at": "2026-01-31T08:15:00Z",
             "entry": entry["sequence"]}
    report.same("a delivery answers 201 with the message, sent, and the entry that is in the store",
                (headers.get("idempotency-replayed"), delivered), (None, {"message": first, "entry": entry}))

    status, headers, again = functions.ask(deliver, "2026-01-31T08:15:10Z", "delivery-1", {}, **ann)
    report.same("its replay answers as the first time, says so, and sends nothing",
                (status, headers.get("idempotency-replayed"), again, network.took()), (201, "true", delivered, []))
    books.unchanged("its replay took nothing")

    status, _, sent = functions.ask(
        "POST /sites/{site_id}/sms/messages", "2026-01-31T08:16:00Z", "message-1", wish, site_id=LIBRARY)
    if status != 201:
        raise GaveUp(f"no message was sent: {shown(sent)}")
    books.grew("a message took an SMS a part, in one entry", LIBRARY, ["sms_reservation"], balances=balances(98, 4997))
    report.same("SNS got it as it was shown", network.took(), text_message(notice))
    entry = books.held[LIBRARY][1]["entries"][-1]
    second = {"message_id": sent["message"]["message_id"], **to_ann, **in_two, "reserved_at": "2026-01-31T08:16:00Z",
              "entry": entry["sequence"]}
    report.same("it answers 201 with the message, sent, and the entry that is in the store",
                sent, {"message": second, "entry": entry})

    status, _, body = functions.ask("GET /sites/{site_id}/sms/messages", "2026-01-31T08:16:10Z", site_id=LIBRARY)
    report.same("the messages are listed, the newest first, and the local server says the same",
                (status, body, server.get(f"/sites/{LIBRARY}/sms/messages")),
                (200, *[{"messages": [second, first], "next_cursor": None}] * 2))
    status, _, body = functions.ask("GET /sites/{site_id}/sms/messages/{message_id}", "2026-01-31T08:16:20Z",
                                    site_id=LIBRARY, message_id=first["message_id"])
    report.same("a message is shown", (status, body), (200, {"message": first}))
    report.same("showing messages sent nothing", network.took(), [])
    books.unchanged("showing messages changed nothing")
    return [first, second]


def receipts(lines):
    """The event in which CloudWatch Logs delivers lines of a log group."""
    data = {"messageType": "DATA_MESSAGE", "owner": "123456789012",
            "logGroup": "sns/eu-central-1/123456789012/DirectPublishToPhoneNumber",
            "logStream": "c2a1d36d-0b35-4b2c-9d6c-2a1c5b8e5f11", "subscriptionFilters": ["receipts"],
            "logEvents": [{"id": f"{place:056}", "timestamp": milliseconds("2026-01-31T08:16:30Z"), "message": line}
                          for place, line in enumerate(lines)]}
    return {"awslogs": {"data": base64.b64encode(gzip.compress(json.dumps(data).encode())).decode()}}


def receipt(network_id, status, says):
    """A receipt as SNS writes it."""
    return json.dumps({
        "notification": {"messageId": network_id, "timestamp": "2026-01-31 08:16:00.558"},
        "delivery": {"phoneCarrier": "A Carrier", "mnc": 1, "numberOfMessageParts": 1, "destination": NUMBER,
                     "priceInUSD": 0.09, "smsType": "Transactional", "mcc": 232, "providerResponse": says,
                     "dwellTimeMs": 599, "dwellTimeMsUntilDeviceAck": 1344},
        "status": status})


def check_receipts(report, functions, books, network, messages):
    # The carrier's response to the second repeats its number. The third is of another application, and the last line
    # is not a receipt.
    arrived = "Message has been accepted by phone carrier"
    event = receipts([receipt(network.ids[0], "SUCCESS", arrived),
                      receipt(network.ids[1], "FAILURE", f"No such subscriber: {NUMBER}"),
                      receipt(str(uuid.uuid4()), "SUCCESS", arrived), "no receipt"])
    expected = [{**messages[0], "state": "delivered", "receipt": arrived},
                {**messages[1], "state": "undelivered", "receipt": "No such subscriber: …"}]
    for which in ("the first time", "a second time"):
        report.same(f"receipts are recorded {which}; those of other applications and other lines are ignored",
                    functions.invoke("record-receipts", event), {"recorded": 2, "others": 1, "unreadable": 1})
        found = [books.server.get(f"/sites/{LIBRARY}/sms/messages/{message['message_id']}") for message in messages]
        report.same(f"the messages say what the receipts say, without the number ({which})",
                    found, [{"message": message} for message in expected])
        books.unchanged(f"receipts give nothing back ({which})")
    report.same("receipts sent nothing", network.took(), [])


def check_leaving(report, functions, books, card):
    ann, ben = ({"site_id": LIBRARY, "user_id": user["user_id"]} for user in (ANN, BEN))
    status, _, body = functions.ask(
        "DELETE /sites/{site_id}/users/{user_id}/card", "2026-01-31T08:17:00Z", "card-4", **ann)
    report.same("a card is revoked, and has no link any more",
                (status, body), (200, {"card": {**card, "status": "revoked", "link": None}}))
    status, _, problem = functions.open(card["link"], "2026-01-31T08:17:10Z")
    report.same("the link of a revoked card leads nowhere", (status, problem.get("code")), (404, "card-not-found"))
    status, _, body = functions.ask(
        "DELETE /sites/{site_id}/users/{user_id}", "2026-01-31T08:17:20Z", "user-3", **ben)
    left = books.server.get(f"/sites/{LIBRARY}/users")["users"]
    report.same("a user is removed, and the others are not",
                (status, body, [user["user_id"] for user in left]),
                (200, {"user_id": BEN["user_id"]}, [EVA["user_id"], ANN["user_id"]]))
    books.unchanged("revoking a card and removing a user gave nothing back")


def check_issue(report, functions, books):
    """Returns the batch that it issues, and its codes."""
    wish = {"credits": 10, "count": 3, "note": "Order 4711"}
    issue, listing = "POST /partners/{partner_id}/code-batches", "GET /partners/{partner_id}/code-batches"
    status, headers, issued = functions.ask(
        issue, "2026-01-31T08:20:00Z", "batch-1", wish, claims=ADA, partner_id=PARTNER)
    if status != 201:
        raise GaveUp(f"no codes were issued: {shown(issued)}")
    batch, codes = issued["batch"], issued["codes"]
    report.same("an issue answers 201 with its batch, complete, and as many codes as were asked for",
                (headers.get("idempotency-replayed"), batch, len(set(codes))),
                (None, {**wish, "batch_id": batch["batch_id"], "partner_id": PARTNER, "maintenance_credits": 0,
                        "expires_on": None, "expires_at": None, "site_id": None, "issued_at": "2026-01-31T08:20:00Z",
                        "complete": True}, 3))

    status, headers, again = functions.ask(
        issue, "2026-01-31T08:21:00Z", "batch-1", wish, claims=ADA, partner_id=PARTNER)
    report.same("its replay gives the same codes, and says so",
                (status, headers.get("idempotency-replayed"), again), (201, "true", issued))

    status, _, page = functions.ask(
        listing, "2026-01-31T08:22:00Z", query={"limit": "1"}, claims=ADA, partner_id=PARTNER)
    report.same("it is the newest of the partner's batches, and the local server says the same",
                (status, page, page.get("batches")),
                (200, books.server.get(f"/partners/{PARTNER}/code-batches?limit=1"), [batch]))

    status, _, problem = functions.ask(listing, "2026-01-31T08:23:00Z", claims=ADA, partner_id="globex")
    report.same("another partner's batches are not shown", (status, problem.get("code")), (403, "not-allowed"))
    books.unchanged("issuing codes changed no site")
    return batch, codes


def check_site(report, functions, books):
    """Returns the ID of the site that it creates."""
    server = books.server
    status, _, created = functions.ask("POST /sites", "2026-01-31T08:30:00Z", "creation-1",
                                       {"name": "Harbour Pool", "country": "AT", "site_type": "dynamic"})
    if status != 201:
        raise GaveUp(f"no site was created: {shown(created)}")
    site = created["site"]["site_id"]
    books.grew("a creation wrote the first entry of a site without balances", site, ["site_creation"],
               site_name="Harbour Pool", status="activated", balances=balances(0))
    _, statement = books.held[site]
    report.same("a creation answers with the entry and the site that are in the store",
                created, {"entry": statement["entries"][0], **server.get(f"/sites/{site}")})
    report.same("its creator is its master, and its country determines its time zone, language and SMS countries",
                ([(one["email"], one["role"]) for one in created["site"]["administrators"]],
                 {name: created["site"][name] for name in ("role", "time_zone", "language", "sms_countries")}),
                ([(KIM["email"], "master")],
                 {"role": "master", "time_zone": "Europe/Vienna", "language": "de", "sms_countries": ["AT"]}))

    status, _, changed = functions.ask("PATCH /sites/{site_id}", "2026-01-31T08:31:00Z", "settings-1",
                                       {"name": "Harbour Baths"}, site_id=site)
    books.grew("a change of the name wrote an entry", site, ["settings_change"], site_name="Harbour Baths")
    _, statement = books.held[site]
    report.same("a change of the name answers with the entry and the site that are in the store",
                (status, changed), (200, {"entry": statement["entries"][-1], **server.get(f"/sites/{site}")}))

    status, _, body = functions.ask("GET /sites/{site_id}", "2026-01-31T08:32:00Z", site_id=site)
    report.same("a site is what the local server says", (status, body), (200, server.get(f"/sites/{site}")))
    status, _, page = functions.ask("GET /sites", "2026-01-31T08:32:00Z")
    report.same("a person's sites are what the local server says, and it is among them",
                (status, page, [listed["site_id"] for listed in page.get("sites", [])]),
                (200, server.get("/sites"), sorted([GYM, LIBRARY, site])))
    return site


def check_invitations(report, functions, books, site):
    """Invites somebody who in the end accepts, and returns the ID that they have on the site."""
    server, robin = books.server, ROBIN["email"]
    administrators = server.get(f"/sites/{site}/admins")["administrators"]
    [master] = administrators

    def invite(at, key):
        return functions.ask("POST /sites/{site_id}/admins", at, key, {"email": robin, "role": "site_admin"},
                             site_id=site)

    def invitation(person, at, until, sent):
        return {"person": person, "role": "site_admin", "by": master["person"], "sent_at": at, "expires_at": until,
                "sent": sent}

    status, _, first = invite("2026-01-31T08:33:00Z", "invitation-1")
    if status != 201:
        raise GaveUp(f"nobody was invited: {shown(first)}")
    person = first["invitation"]["person"]
    listed = functions.ask("GET /sites/{site_id}/invitations", "2026-01-31T08:33:10Z", site_id=site)
    again = functions.ask("POST /sites/{site_id}/invitations/{person}/resending", "2026-01-31T08:33:20Z", "sending-1",
                          site_id=site, person=person)
    withdrawn = functions.ask("DELETE /sites/{site_id}/invitations/{person}", "2026-01-31T08:33:30Z", "withdrawal-1",
                              site_id=site, person=person)
    invite("2026-01-31T08:33:40Z", "invitation-2")
    declined = functions.ask("POST /invitations/{site_id}/refusal", "2026-01-31T08:33:50Z", "answer-1", claims=ROBIN,
                             site_id=site)
    _, _, last = invite("2026-01-31T08:34:00Z", "invitation-3")
    own = functions.ask("GET /invitations", "2026-01-31T08:34:10Z", claims=ROBIN)
    books.grew("an invitation that is sent, sent again, withdrawn or declined wrote an entry, and gave nothing", site,
               ["invitation", "invitation", "invitation_end", "invitation", "invitation_end", "invitation"])
    _, statement = books.held[site]
    sending, resending, withdrawal = statement["entries"][-6:-3]
    sent = invitation(person, "2026-01-31T08:33:00Z", "2026-02-07T08:33:00Z", 1)
    for title, (status, _, body), expected in (
            ("an invitation answers 201 with its entry, and the administrators as they were", (201, None, first),
             (201, {"entry": sending, "invitation": {**sent, "email": robin}, "administrators": administrators})),
            ("the open invitations are listed", listed, (200, {"invitations": [{**sent, "email": robin}]})),
            ("an invitation that is sent again is open for seven days more", again,
             (200, {"entry": resending,
                    "invitation": invitation(person, "2026-01-31T08:33:20Z", "2026-02-07T08:33:20Z", 2)})),
            ("a withdrawal answers with its entry", withdrawn, (200, {"entry": withdrawal, "person": person})),
            ("whoever declines learns nothing of the site", declined, (200, {"site_id": site})),
            ("whoever is invited sees to what, as what and until when", own,
             (200, {"invitations": [{"site_id": site, "site_name": "Harbour Baths", "country": "AT",
                                     "role": "site_admin", "sent_at": "2026-01-31T08:34:00Z",
                                     "expires_at": "2026-02-07T08:34:00Z"}], "next_cursor": None}))):
        report.same(title, (status, body), expected)

    status, _, accepted = functions.ask("POST /invitations/{site_id}/acceptance", "2026-01-31T08:34:20Z", "answer-2",
                                        claims=ROBIN, site_id=site)
    books.grew("an acceptance wrote an entry", site, ["administrator_change"])
    _, statement = books.held[site]
    person = last["invitation"]["person"]
    invited = {"email": robin, "person": person, "role": "site_admin"}
    left = accepted.get("site", {})
    report.same("an acceptance answers 201 with its entry, and the site as it is for whoever accepted",
                (status, accepted.get("entry"), left.get("role"), left.get("administrators")),
                (201, statement["entries"][-1], "site_admin", [master, invited]))
    return person


def check_administrators(report, functions, books, site):
    [master] = books.server.get(f"/sites/{site}/admins")["administrators"]
    robin = ROBIN["email"]
    person = check_invitations(report, functions, books, site)
    changed = functions.ask("PATCH /sites/{site_id}/admins/{email}", "2026-01-31T08:34:30Z", "role-1",
                            {"role": "sub_master"}, site_id=site, email=robin)
    listed = functions.ask("GET /sites/{site_id}/admins", "2026-01-31T08:35:00Z", site_id=site)
    removed = functions.ask("DELETE /sites/{site_id}/admins/{email}", "2026-01-31T08:36:00Z", "removal-1",
                            site_id=site, email=robin)
    books.grew("a change of role and a removal wrote an entry each", site, ["administrator_change"] * 2)
    _, statement = books.held[site]
    change, removal = statement["entries"][-2:]
    changed_to = [master, {"email": robin, "person": person, "role": "sub_master"}]
    for title, (status, _, body), expected in (
            ("a change of role answers with its entry and the administrators", changed,
             (200, {"entry": change, "invitation": None, "administrators": changed_to})),
            ("the administrators are listed", listed, (200, {"administrators": changed_to})),
            ("a removal answers with its entry and the administrators that are left", removed,
             (200, {"entry": removal, "administrators": [master]}))):
        report.same(title, (status, body), expected)

    status, _, problem = functions.ask("GET /sites/{site_id}", "2026-01-31T08:37:00Z", claims=ROBIN, site_id=site)
    report.same("a removed administrator has no access any more, and gets a 404",
                (status, problem.get("code")), (404, "site-not-found"))


def check_codes(report, functions, books, site, batch, codes):
    """Applies the first of the codes to the site, and voids the others."""
    applied_at = "2026-01-31T08:40:00Z"
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
    status, _, body = functions.ask(fetch, "2026-01-31T08:41:00Z", **of_batch)
    report.same("the codes are fetched as JSON, without the one that was applied",
                (status, body), (200, {"batch": batch, "codes": standing}))
    status, headers, table = functions.ask(fetch, "2026-01-31T08:42:00Z", accept="text/csv", **of_batch)
    rows = [standing[0].keys(), *(code.values() for code in standing)]
    report.same("they are fetched as CSV with the same cells",
                (status, headers.get("content-type"), table),
                (200, "text/csv; charset=utf-8",
                 "".join(",".join("" if cell is None else str(cell) for cell in row) + "\r\n" for row in rows)))

    status, _, body = functions.ask("POST /partners/{partner_id}/code-batches/{batch_id}/void", "2026-01-31T08:43:00Z",
                                    "voiding-1", {"reason": "Lost in the post"}, **of_batch)
    report.same("voiding the batch voids what was not applied",
                (status, body), (200, {"voided": 2, "already_voided": 0, "applied": 1}))
    status, _, body = functions.ask(
        "GET /partners/{partner_id}/code-batches/{batch_id}", "2026-01-31T08:44:00Z", **of_batch)
    expected = {"batch": batch, "sum": {"issued": 3, "applied": 1, "voided": 2, "expired": 0, "outstanding": 0,
                                        "not_issued": 0}}
    report.same("the batch adds up, and the local server says the same",
                (status, body, books.server.get(f"/partners/{PARTNER}/code-batches/{batch['batch_id']}")),
                (200, expected, expected))
    books.unchanged("fetching and voiding codes changed no site")


def check_devices(report, functions, books, site):
    wishes = [{"device_id": f"gate-{number}", "name": f"Gate {number}"} for number in (1, 2)]
    devices = [{**wish, "registered_on": "2026-01-31"} for wish in wishes]
    status, _, body = functions.ask("POST /sites/{site_id}/devices", "2026-01-31T08:50:00Z", "devices-1",
                                    {"devices": wishes}, site_id=site)
    books.grew("a registration took a credit a device, in one entry", site, ["device_registration"], devices=2,
               balances=balances(8), next_deduction={"on": "2026-02-28", "credits": 2, "sufficient": True})
    license, statement = books.held[site]
    report.same("a registration answers 201 with the devices, and the entry and the license that are in the store",
                (status, body), (201, {"devices": devices, "entry": statement["entries"][-1], "license": license}))

    status, _, body = functions.ask("GET /sites/{site_id}/devices", "2026-01-31T08:51:00Z", site_id=site)
    expected = {"devices": devices, "next_cursor": None}
    report.same("the devices are listed, and the local server says the same",
                (status, body, books.server.get(f"/sites/{site}/devices")), (200, expected, expected))

    status, _, body = functions.ask("DELETE /sites/{site_id}/devices/{device_id}", "2026-01-31T08:52:00Z", "removal-2",
                                    site_id=site, device_id="gate-2")
    books.grew("a removal of a device wrote an entry, and gave nothing back", site, ["device_removal"], devices=1,
               balances=balances(8), next_deduction={"on": "2026-02-28", "credits": 1, "sufficient": True})
    license, statement = books.held[site]
    report.same("a removal of a device answers with the entry and the license that are in the store",
                (status, body), (200, {"entry": statement["entries"][-1], "license": license}))

    one = "/sites/{site_id}/devices/{device_id}"
    for title, method, at, key, wish, entry, expected in (
            ("another name for a device", f"PATCH {one}", "2026-01-31T08:52:20Z", "naming-1", {"name": "Old gate"},
             "device_renaming", (200, {**devices[0], "name": "Old gate"})),
            ("another device in its place", f"POST {one}/replacement", "2026-01-31T08:52:40Z", "replacement-1",
             {"device_id": "gate-3", "name": "New gate"}, "device_replacement",
             (201, {**devices[0], "device_id": "gate-3", "name": "New gate"}))):
        status, _, body = functions.ask(method, at, key, wish, site_id=site, device_id="gate-1")
        books.grew(f"{title} wrote an entry, and took nothing", site, [entry], devices=1, balances=balances(8),
                   next_deduction={"on": "2026-02-28", "credits": 1, "sufficient": True})
        license, statement = books.held[site]
        report.same(f"{title} answers with the device, and the entry and the license that are in the store",
                    (status, body), (expected[0], {"device": expected[1], "entry": statement["entries"][-1],
                                                   "license": license}))


def check_deletion(report, functions, books, site):
    functions.ask("POST /sites/{site_id}/users", "2026-01-31T08:53:00Z", "user-4", {"user_id": "guest"}, site_id=site)
    status, _, issued = functions.ask("POST /sites/{site_id}/users/{user_id}/card", "2026-01-31T08:54:00Z", "card-5",
                                      {}, site_id=site, user_id="guest")
    if status != 201:
        raise GaveUp(f"no card was issued: {shown(issued)}")
    books.grew("a card of a dynamic site is free, and wrote an entry", site, ["card_issue"], balances=balances(8))

    status, _, body = functions.ask("DELETE /sites/{site_id}", "2026-01-31T08:55:00Z", "deletion-1",
                                    query={"forfeit": "true"}, site_id=site)
    # From now on it has no administrator, so only `verify` can check its books.
    _, statement = books.held.pop(site)
    entry, left = body.get("entry", {}), body.get("site", {})
    report.same("a deletion with forfeit gives up what the site holds, in an entry that follows its last one",
                (status, entry.get("kind"), entry.get("changes"), entry.get("previous_hash")),
                (200, "site_deletion", balances(-8), statement["entries"][-1]["hash"]))
    report.same("it answers with the site as it is left",
                (left.get("status"), left.get("balances"), left.get("administrators")), ("deleted", balances(0), []))
    status, _, problem = functions.open(issued["card"]["link"], "2026-01-31T08:56:00Z")
    report.same("the link of a card of a deleted site leads nowhere",
                (status, problem.get("code")), (404, "card-not-found"))
    books.unchanged("a deletion took the site from its administrator, and changed no other")


def check_account(report, functions, server, site, batch):
    status, _, body = functions.ask("GET /partners/{partner_id}/sites", "2026-01-31T09:00:00Z",
                                    claims=ADA, partner_id=PARTNER)
    report.same("a partner's sites are what the local server says",
                (status, body), (200, server.get(f"/partners/{PARTNER}/sites")))
    report.same("the site that was deleted is among them, with what it received",
                [(sold["status"], sold["received"]) for sold in body.get("sites", []) if sold["site_id"] == site],
                [("deleted", {"codes": 1, **balances(10)})])

    query = {"from": "2026-01-31", "limit": "100"}
    status, _, body = functions.ask("GET /partners/{partner_id}/history", "2026-01-31T09:01:00Z", query=query,
                                    claims=ADA, partner_id=PARTNER)
    report.same("a partner's history is what the local server says",
                (status, body), (200, server.get(f"/partners/{PARTNER}/history?{urllib.parse.urlencode(query)}")))
    # The replay of the issue returns the codes again, which counts as fetching them.
    report.same("it has everything that happened to the codes of the batch",
                [(line["kind"], line["codes"], line.get("by"), line.get("reason"), line.get("site_id"))
                 for line in body.get("history", []) if line["batch_id"] == batch["batch_id"]],
                [("issued", 3, "ada", None, None), ("fetched", 3, "ada", None, None), ("applied", 1, None, None, site),
                 ("fetched", 2, "ada", None, None), ("fetched", 2, "ada", None, None),
                 ("voided", 2, "ada", "Lost in the post", None)])


def check_contract(report, functions):
    status, headers, body = functions.ask("GET /openapi.yaml", OPENING, claims=None)
    report.same("anyone can read the contract, and it is openapi.yaml unchanged",
                (status, headers.get("content-type"), body == (ROOT / "openapi.yaml").read_text()),
                (200, "application/yaml", True))


def check_deduction(report, functions, books):
    # The gym has had three devices since 31 January and has one credit, so its first deduction, in less than 28 days,
    # will halt it. No other site has devices, and the site that was deleted had a user.
    report.same("a deduction reports a warning, and a user of a deleted site whom it erased",
                functions.deduct("2026-02-01T12:00:00Z"), ran(sites=1, warned=1, erased=1))
    books.grew("a site that will fall short is warned, and nothing is taken", GYM, ["warning"], status="activated",
               balances=balances(1), next_deduction={"on": "2026-02-28", "credits": 3, "sufficient": False})
    report.same("the warning says when, and how much will be missing",
                books.held[GYM][1]["entries"][-1]["refers_to"],
                {"days_before": 28, "falls_short_on": "2026-02-28", "missing": 2})
    report.same("a second run warns and erases nobody", functions.deduct("2026-02-01T12:00:00Z"), ran())
    books.unchanged("a second run wrote nothing")

    report.same("a deduction reports a halt", functions.deduct("2026-02-28T12:00:00Z"), ran(sites=1, halted=1))
    books.grew("a site that falls short is halted, and nothing is taken", GYM, ["halt"],
               status="payment_required", balances=balances(1), overdue={"credits": 3}, next_deduction=None)
    report.same("a second run finds nothing to do", functions.deduct("2026-02-28T12:00:00Z"), ran())
    books.unchanged("a second run changed nothing")

    status, _, body = functions.redeem(GYM, books.server.codes[2], "2026-03-01T09:00:00Z", "redemption-4")
    books.grew("a recharge pays what is overdue and resumes the site", GYM,
               ["redemption", "overdue_deduction", "resume"], status="activated", balances=balances(98),
               overdue={"credits": 0}, next_deduction={"on": "2026-03-31", "credits": 3, "sufficient": True})
    license, statement = books.held[GYM]
    report.same("a recharge that resumes a site answers 201 with its own entry and the license",
                (status, body), (201, {"entry": statement["entries"][-3], "license": license}))

    report.same("a deduction reports what it charged", functions.deduct("2026-03-31T12:00:00Z"),
                ran(sites=1, credits=3, due_dates=1))
    books.grew("a deduction takes a credit a device, in one entry", GYM, ["deduction"], status="activated",
               balances=balances(95), next_deduction={"on": "2026-04-30", "credits": 3, "sufficient": True})
    report.same("a deduction that is run twice charges once", functions.deduct("2026-03-31T12:00:00Z"), ran())
    books.unchanged("a deduction that is run twice changed nothing the second time")

    status, _, body = functions.ask("GET /sites/{site_id}/license", "2026-03-31T12:00:00Z", site_id=GYM)
    report.same("the balance after it all is what the local server says", (status, body), (200, books.held[GYM][0]))

    # Lambda retries a failed event, and finally keeps it in a queue. A refusal in a regular answer would be lost.
    failure = functions.deduct("at noon")
    report.check("an event without an instant is an error of the function", "errorType" in failure, shown(failure))
    books.unchanged("an event without an instant changed nothing")


def attribute(value):
    """A value as DynamoDB has it."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case list():
            return {"L": [attribute(one) for one in value]}
        case dict():
            return {"M": {name: attribute(one) for name, one in value.items()}}
    raise TypeError(value)


def record(entry, place):
    """The record of the table's stream for an entry that was written, at this place in the stream."""
    event = json.loads((ROOT / "tests" / "data" / "stream-event.json").read_text())
    [record] = event["Records"]
    change = record["dynamodb"]
    image = {"PK": f"SITE#{entry['site_id']}", "SK": f"ENTRY#{entry['sequence']:016}", **entry}
    # What an item has in addition to its entry.
    beside = {"command_id": change["NewImage"]["command_id"]}
    change["NewImage"] = {name: attribute(value) for name, value in image.items()} | beside
    change["Keys"] = {name: change["NewImage"][name] for name in ("PK", "SK")}
    change["SequenceNumber"] = str(int(change["SequenceNumber"]) + place)
    return record


def invitation_record(entry):
    """The record of the table's stream for an invitation to the gym whose last sending wrote this entry."""
    record = json.loads((ROOT / "tests" / "data" / "stream-event.json").read_text())["Records"][0]
    change = record["dynamodb"]
    image = {"PK": f"SITE#{GYM}", "SK": f"INVITATION#{PERSON}", "email": ROBIN["email"], "role": "site_admin",
             "site_name": GYM_NAME, "language": "de", "sent_at": OPENING, "over_at": "2026-02-07T08:00:00Z",
             "entry": entry, "expires_at": 1770537600}
    change["NewImage"] = {name: attribute(value) for name, value in image.items()}
    change["Keys"] = {name: change["NewImage"][name] for name in ("PK", "SK")}
    change["SequenceNumber"] = str(int(change["SequenceNumber"]) + entry)
    record["eventName"] = "INSERT" if entry == 1 else "MODIFY"
    return record


def passes(rules, value):
    """Whether a value passes a Lambda event filter. Only the rules that the template uses are implemented."""
    if isinstance(rules, dict):
        return isinstance(value, dict) and all(passes(rule, value.get(name)) for name, rule in rules.items())
    return any(isinstance(value, str) and value.startswith(rule["prefix"]) if isinstance(rule, dict) else value == rule
               for rule in rules)


def check_notices(report, functions, books, network):
    report.same("neither a site nor a deduction sent anything by itself", network.took(), [])
    filters = functions.template.filters
    passed = [entry for _, statement in books.held.values() for place, entry in enumerate(statement["entries"])
              if any(passes(one, record(entry, place)) for one in filters)]
    told = [entry for entry in books.held[GYM][1]["entries"] if entry["kind"] in NOTICES]
    report.same("of all entries the stream's filter lets a warning, a halt and a resume through",
                ([entry["kind"] for entry in passed], passed), (list(NOTICES), told))
    changed, site = record(told[0], 1), record(told[0], 2)
    changed["eventName"], site["dynamodb"]["Keys"]["SK"] = "MODIFY", {"S": "SITE"}
    report.same("it lets neither changes nor other items through",
                [any(passes(one, other) for one in filters) for other in (changed, site)], [False, False])

    sendings = [invitation_record(entry) for entry in (1, 2)]
    removed, found_by = invitation_record(3), invitation_record(4)
    removed["eventName"], found_by["dynamodb"]["Keys"]["PK"] = "REMOVE", attribute(f"ADMIN#{ROBIN['email']}")
    report.same("it lets each sending of an invitation through, and neither its end nor what leads to it",
                [any(passes(one, other) for one in filters) for other in (*sendings, removed, found_by)],
                [True, True, False, False])

    # The second record cannot be read, and no later record is of its site.
    records = [record(entry, place) for place, entry in enumerate([told[0], told[1], *told[1:]])]
    poisoned = records[1]["dynamodb"]
    poisoned["Keys"]["PK"] = poisoned["NewImage"]["PK"] = attribute(f"SITE#{LIBRARY}")
    poisoned["NewImage"] |= {"site_id": attribute(LIBRARY), "sequence": attribute("seven")}
    report.same("only a record that cannot be read is to be retried",
                functions.invoke("publish-notices", {"Records": records}),
                {"batchItemFailures": [{"itemIdentifier": poisoned["SequenceNumber"]}]})
    taken = network.took()
    texts = [{name: notice.get(name) for name in ("Subject", "Message")} for notice in taken]
    report.same("SNS got the notices in order, with attributes to filter by", taken, [
        {"Action": "Publish", "TopicArn": TOPIC, **text, "attributes": {name: ("String", value) for name, value in (
            ("site_id", GYM), ("kind", entry["kind"]), ("language", "de"), ("at", entry["at"]),
            ("entry_id", f"{GYM}-{entry['sequence']}"))}}
        for entry, text in zip(told, texts)])
    report.same("each names the site, and the date that it is about",
                [(GYM in (text["Subject"] or ""), (text["Message"] or "").startswith(f"{GYM_NAME} ({GYM}): "),
                  entry["refers_to"][NOTICES[entry["kind"]]] in (text["Message"] or ""))
                 for entry, text in zip(told, texts)], [(True, True, True)] * len(NOTICES))
    report.same("sendings of an invitation are published too",
                functions.invoke("publish-notices", {"Records": sendings}), {"batchItemFailures": []})
    report.same("SNS got each with what a mail to its address needs",
                [notice.get("attributes") for notice in network.took()],
                [{name: ("String", value) for name, value in (
                    ("site_id", GYM), ("kind", "invitation"), ("language", "de"), ("at", OPENING),
                    ("invitation_id", f"{GYM}-{entry}"), ("email", ROBIN["email"]), ("site_name", GYM_NAME),
                    ("role", "site_admin"), ("expires_at", "2026-02-07T08:00:00Z"))} for entry in (1, 2)])
    books.unchanged("publishing notices changed nothing")


def check_logs(report, functions, server, issued):
    report.same("every function was invoked", sorted(functions.invoked), sorted(functions.template.functions))
    report.same("every route was asked", sorted(functions.asked), sorted(functions.template.routes))
    codes = [*server.codes, *issued]
    people = {KIM["email"], ROBIN["email"], ANN["email"], ANN["mobile"], NUMBER.removeprefix("+43"), ANN["name"],
              BEN["name"], EVA["name"], CLOSED}
    secrets = {server.token, server.partner_token, *functions.tokens, *people, *codes,
               *(code.replace("-", "") for code in codes)}
    report.same("the logs hold no code, token, link, address, name, number or message",
                [secret for secret in secrets if secret.casefold() in functions.logs.casefold()], [])


def check_books(report, server):
    report.same("the local server stops when it is asked to", server.stop(), 0)
    status, stdout, stderr = run([server.program, "verify", "--data", server.data], SERVER_LIMIT_S)
    report.check("the books are proved", status == 0, last_lines(stdout + stderr))


# --------------------------------------------------------------------------------------------------------- the cleaning
def our_containers(server):
    """The containers of this run: those whose environment has its engine's address."""
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
        network = Network(setup)
        cleaning.callback(network.close)
        functions = Functions(template, setup, server, network, folder)
        books = Books(report, server)
        check_reading(report, functions, books)
        check_redemption(report, functions, books)
        check_sms(report, functions, books)
        check_users(report, functions, books)
        card = check_cards(report, functions, books)
        messages = check_messages(report, functions, books, network, card)
        check_receipts(report, functions, books, network, messages)
        check_leaving(report, functions, books, card)
        batch, codes = check_issue(report, functions, books)
        site = check_site(report, functions, books)
        check_administrators(report, functions, books, site)
        check_codes(report, functions, books, site, batch, codes)
        check_devices(report, functions, books, site)
        check_deletion(report, functions, books, site)
        check_account(report, functions, server, site, batch)
        check_contract(report, functions)
        check_deduction(report, functions, books)
        check_notices(report, functions, books, network)
        check_logs(report, functions, server, codes)
        check_books(report, server)


def asked_to_end(*_):
    # Further signals are ignored, so that they do not interrupt the cleaning up.
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
        # The behaviour of a tool has changed, or there is a defect here. Either way, not everything was checked.
        with LOG.open("a") as log:
            traceback.print_exc(file=log)
        report.check("the run", False, f"{error!r}; see {LOG.relative_to(ROOT)}")
    finally:
        print(f"      in all {took(since)}")
        print(f"{report.passed} passed, {report.failed} failed")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
