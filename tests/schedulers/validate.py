"""Validates the samples for schedulers; see run.sh. Exits with 1 if a sample has a fault, or if a planted fault is not found."""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import yaml
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.validate import ParamValidator
from croniter import croniter
from kubernetes_validate import utils as kubernetes

folder = Path(sys.argv[1])
passed = failed = 0


def sample(name):
    return (folder / name).read_text()


def expect(what, faults, is_faulty=False):
    """`faults` are those that were found; a planted one must be."""
    global passed, failed
    if bool(faults) == is_faulty:
        passed += 1
        return
    failed += 1
    print(f"FAILED {what}: {'the fault is not found' if is_faulty else '; '.join(faults)}")


def planted(text, old, new):
    """The text with a fault in it."""
    assert old in text, f"the sample has no {old!r}"
    return text.replace(old, new)


# Kubernetes: the strict schemas, which refuse unknown members.


def kubernetes_faults(text, version):
    faults = []
    for document in yaml.safe_load_all(text):
        try:
            used = kubernetes.validate(document, version, strict=True)
            # The package takes an older schema where it has none of the version.
            if used != version:
                faults.append(f"no schema of {version}")
        except kubernetes.ValidationError as error:
            faults.append(f"{'.'.join(map(str, error.absolute_path))}: {error.message}")
        except (kubernetes.SchemaNotFoundError, kubernetes.VersionNotSupportedError) as error:
            faults.append(error.message)
    return faults


def kubernetes_samples():
    job, cron_job = sample("kubernetes-job.yaml"), sample("kubernetes-cronjob.yaml")
    lowest = re.search(r"needs Kubernetes (1\.\d+) or newer", job).group(1)
    minor = lambda version: int(version.split(".")[1])
    bundled = sorted({kubernetes.major_minor(version) for version in kubernetes.all_versions()}, key=minor)
    versions = [version for version in bundled if minor(version) >= minor(lowest)]
    assert versions[0] == lowest, f"no schema of {lowest}"
    for version in versions:
        expect(f"kubernetes-job.yaml, {version}", kubernetes_faults(job, version))
        expect(f"kubernetes-cronjob.yaml, {version}", kubernetes_faults(cron_job, version))
    for name, text in [("kubernetes-job.yaml", job), ("kubernetes-cronjob.yaml", cron_job)]:
        for old, new in [
            ('  status: "True"\n', '\n'),
            ('status: "True"', "status: True"),
            ("restartPolicy: Never", "restartPolicies: Never"),
            ("terminationGracePeriodSeconds: 60", "terminationGracePeriodSeconds: 60s"),
            ("operator: In\n", "operator: []\n"),
            ("kind: Job" if text is job else "kind: CronJob", "kind: Jub"),
        ]:
            expect(f"{name} with {new.strip() or 'no status'!r}", kubernetes_faults(planted(text, old, new), lowest), True)
    # The claim is not too low.
    before = f"1.{minor(lowest) - 2}"
    expect(f"kubernetes-job.yaml, {before}", kubernetes_faults(job, before), True)
    schedule = yaml.safe_load(cron_job)["spec"]["schedule"]
    expect("schedule of kubernetes-cronjob.yaml", [] if croniter.is_valid(schedule) else [schedule])
    return f"Kubernetes {versions[0]} to {versions[-1]}"


# AWS Batch: the model of RegisterJobDefinition, with which the AWS CLI and boto3 validate.


def enumeration_faults(value, shape, path=""):
    """Values that an enumeration does not have; botocore sends them and lets the service refuse them."""
    if shape.type_name == "structure":
        members = [(name, shape.members.get(name)) for name in value]
        return [fault for name, of in members if of for fault in enumeration_faults(value[name], of, f"{path}.{name}")]
    if shape.type_name == "list":
        return [fault for item in value for fault in enumeration_faults(item, shape.member, path)]
    known = getattr(shape, "enum", [])
    return [f"{path}: {value} is none of {known}"] if known and value not in known else []


def batch_faults(definition, shape):
    report = ParamValidator().validate(definition, shape)
    if report.has_errors():
        return [report.generate_report()]
    return enumeration_faults(definition, shape)


def batch_sample():
    # Without the user's own models.
    loader = Loader(extra_search_paths=None, include_default_search_paths=False)
    loader.search_paths.append(Loader.BUILTIN_DATA_PATH)
    model = ServiceModel(loader.load_service_model("batch", "service-2"), "batch")
    shape = model.operation_model("RegisterJobDefinition").input_shape
    text = sample("aws-batch-job-definition.json")
    expect("aws-batch-job-definition.json", batch_faults(json.loads(text), shape))
    for old, new in [
        ('"jobDefinitionName": "import-tickets",', ""),
        ('"type": "container",', ""),
        ('"type": "container",', '"type": "pod",'),
        ('"EC2"', '"EC3"'),
        ('"attempts": 10', '"attempts": "10"'),
        ('"action": "EXIT"', '"onStatusReason": "x"'),
        ('"readonlyRootFilesystem"', '"readOnlyRootFilesystem"'),
        ('"type": "VCPU"', '"type": "CPU"'),
        ('"size": 256', '"mode": 256'),
    ]:
        broken = json.loads(planted(text, old, new))
        expect(f"aws-batch-job-definition.json with {new or 'no ' + old!r}", batch_faults(broken, shape), True)
    return f"AWS Batch {model.api_version}"


# systemd: its own verification, which prints an unknown key and yet succeeds.


def systemd_faults(units):
    with tempfile.TemporaryDirectory() as place:
        for name, text in units.items():
            # The program has to exist for the verification.
            Path(place, name).write_text(text.replace("/usr/local/bin/connect-import", shutil.which("true")))
        command = ["systemd-analyze", "verify", *(f"{place}/{name}" for name in units)]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        printed = (ended.stdout + ended.stderr).replace(place, "").strip()
        # Faults of other units on this machine are not the sample's.
        own = [line for line in printed.splitlines() if any(name in line for name in units)]
        return own or ([printed or f"exit code {ended.returncode}"] if ended.returncode else [])


def exposure(text):
    with tempfile.TemporaryDirectory() as place:
        unit = Path(place, "connect-import.service")
        unit.write_text(text)
        command = ["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25", str(unit)]
        ended = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        return [(ended.stdout + ended.stderr).strip().splitlines()[-1]] if ended.returncode else []


def systemd_samples():
    if not shutil.which("systemd-analyze"):
        print("skipped: systemd: systemd-analyze is not installed")
        return None
    service, timer = sample("connect-import.service"), sample("connect-import.timer")
    units = lambda service, timer: {"connect-import.service": service, "connect-import.timer": timer}
    expect("connect-import.service and .timer", systemd_faults(units(service, timer)))
    for old, new in [
        ("RestartSec=15min", "RestrtSec=15min"),
        ("Restart=on-failure", "Restart=on-failures"),
        ("Type=oneshot", "Type=oneshots"),
        ("SuccessExitStatus=10 130 143", "SuccessExitStatus=10 300"),
        ("ExecStart=/usr", "ExecStart=usr"),
        ("TimeoutStopSec=60", "TimeoutStopSec=a minute"),
    ]:
        expect(f"connect-import.service with {new}", systemd_faults(units(planted(service, old, new), timer)), True)
    for old, new in [("01:30:00", "25:30:00"), ("Persistent=true", "Persist=true")]:
        expect(f"connect-import.timer with {new}", systemd_faults(units(service, planted(timer, old, new))), True)
    version = subprocess.run(["systemd-analyze", "--version"], capture_output=True, text=True).stdout.split()[1]
    if int(version) >= 250:
        # At most 2.5 of 10; most of it is the network, which an import needs.
        expect("exposure of connect-import.service", exposure(service))
        expect("exposure of connect-import.service as root", exposure(planted(service, "CapabilityBoundingSet=\n", "")), True)
    return f"systemd {version}"


# cron: five fields that croniter takes, and the pitfalls of crontab(5).


def crontab_faults(text):
    faults = [] if text.endswith("\n") else ["the last line has no end, so cron ignores it"]
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#") or re.match(r"[A-Z_]+\s*=", line):
            continue
        fields = line.split(None, 5)
        if len(fields) < 6 or not croniter.is_valid(" ".join(fields[:5])):
            faults.append(f"line {number}: no times and command")
        elif "%" in fields[5].replace("\\%", ""):
            faults.append(f"line {number}: a percent sign is a line break")
        elif not fields[5].startswith("/"):
            faults.append(f"line {number}: the command is no absolute path")
    return faults


def crontab_sample():
    text = sample("crontab")
    expect("crontab", crontab_faults(text))
    for old, new in [
        ("30 1 * * *", "30 24 * * *"),
        ("30 1 * * *", "30 1 * *"),
        ("--max-duration 4h", "--max-errors 1%"),
        ("30 1 * * * /usr/local/bin/", "30 1 * * * "),
    ]:
        expect(f"crontab with {new}", crontab_faults(planted(text, old, new)), True)
    expect("crontab without a last line end", crontab_faults(text.rstrip("\n")), True)
    return "cron"


validated = [kubernetes_samples(), batch_sample(), systemd_samples(), crontab_sample()]
print(f"{passed} passed, {failed} failed: {', '.join(filter(None, validated))}")
sys.exit(1 if failed else 0)
