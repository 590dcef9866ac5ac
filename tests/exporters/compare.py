"""Imports every export into a sandbox of its own and compares each cell that arrived with the table.

`compare.py EXPORTS BINARY [--update] [NAME…]`. Exits with 1 if a cell differs from what exports.toml says. With
`--update` it writes the table of the handbook.
"""

import json
import re
import subprocess
import sys
import time
import tomllib
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import handbook
from table import COLUMNS, TEXT_COLUMNS

HERE = Path(__file__).resolve().parent
ZONE = "Europe/Berlin"
FILTERS = {
    "opened_on": f"epoch(tz='{ZONE}')",
    "opened_at": f"epoch(tz='{ZONE}')",
    "closed_at": "epoch",
}
TRUE = {"1", "t", "true", "True", "TRUE"}
FALSE = {"0", "f", "false", "False", "FALSE"}


def source_lines(export):
    names = ", ".join(f'"{name}"' for name in COLUMNS)
    return export["source"].strip().replace("COLUMNS", names)


def job_file(export, path):
    """Every cell between angle brackets, so that white space and empty cells arrive as well."""
    lines = ["[source]", f"files = [{json.dumps(str(path))}]", 'key = ["id"]', source_lines(export)]
    lines += ["[request]", 'Name = "{{ id }}"', "[request.Attributes]"]
    for name in COLUMNS:
        reads = export.get(name, FILTERS.get(name))
        reads = f" | {reads}" if reads else ""
        if name not in export.get("no_values", []):
            lines.append(f'''{name} = "<{{{{ row['{name}']{reads} }}}}>"''')
    return "\n".join(lines) + "\n"


def arrived(binary, export, path, folder):
    """The attributes of every contact by the row's id, and what `run` printed."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    (folder / "job.toml").write_text(job_file(export, path), encoding="utf-8")
    sandbox = [binary, "sandbox", "--rate", "0", "--port-file", "port", "--state", "contacts.jsonl"]
    with subprocess.Popen(sandbox, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            for _ in range(100):
                if (folder / "port").exists():
                    break
                time.sleep(0.05)
            port = (folder / "port").read_text().strip()
            run = [binary, "run", "--job", "job.toml", "--endpoint-url", f"http://127.0.0.1:{port}", "--no-sign-request"]
            run += ["--instance-id", "11111111-2222-3333-4444-555555555555", "--region", "eu-west-2"]
            run += ["--rate", "1000", "--burst", "100", "--progress", "none"]
            done = subprocess.run(run, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
        finally:
            server.terminate()
    contacts = folder / "contacts.jsonl"
    lines = contacts.read_text(encoding="utf-8").split("\n") if contacts.exists() else []
    found = [json.loads(line)["contact"] for line in lines if line]
    return {contact["Name"]: contact.get("Attributes", {}) for contact in found}, done


def expected(export, name, value):
    """What a cell must arrive as."""
    if name in TEXT_COLUMNS:
        text = value or ""
        for pattern, replacement in export.get("replace", []):
            text = re.sub(pattern, replacement, text)
        return text
    if value is None:
        return ""
    match name:
        case "opened_on" | "opened_at":
            return str(int(datetime.fromisoformat(value).replace(tzinfo=ZoneInfo(ZONE)).timestamp()))
        case "closed_at":
            return str(int(datetime.fromisoformat(value).timestamp()))
        case _:
            return value


def is_same(name, wanted, cell):
    try:
        match name:
            case "id" | "amount" if wanted != "":
                return Decimal(cell) == Decimal(wanted)
            case "is_vip" if wanted != "":
                return cell in (TRUE if wanted else FALSE)
    except ArithmeticError:
        return False
    return cell == wanted


def compare(export, rows, contacts):
    """The number of equal cells, differences as (id, column, expected, arrived), and the number of unreadable rows."""
    unreadable = re.compile(export["unreadable"]) if "unreadable" in export else None
    left_out, same, differences = 0, 0, []
    for row in rows:
        cells = dict(zip(COLUMNS, row))
        contact = contacts.get(str(cells["id"]))
        found = []
        for name in COLUMNS:
            if name in export.get("no_values", []):
                continue
            wanted = expected(export, name, cells[name])
            cell = None if contact is None else contact.get(name, "<>")[1:-1]
            if contact is None or not is_same(name, wanted, cell):
                found.append((cells["id"], name, wanted, cell))
            else:
                same += 1
        if found and unreadable and any(unreadable.search(cells[name] or "") for name in TEXT_COLUMNS):
            left_out += 1
        else:
            differences += found
    if unreadable and left_out == 0:
        differences.append(("-", "-", f"a row with {unreadable.pattern} that does not arrive", "all rows"))
    known = {str(row[1]) for row in rows}
    if not unreadable:
        differences += [("-", "-", "no such row", name) for name in contacts if name not in known]
    return same, differences, left_out


def main():
    arguments = sys.argv[1:]
    update = "--update" in arguments
    folder, binary, *names = [argument for argument in arguments if argument != "--update"]
    folder = Path(folder)
    table = json.loads((folder / "table.json").read_text(encoding="utf-8"))
    exports = tomllib.loads((HERE / "exports.toml").read_text(encoding="utf-8"))["export"]
    versions = dict(line.split("\t") for line in (folder / "versions.tsv").read_text(encoding="utf-8").splitlines())
    failed, compared = [], []
    for export in exports:
        path = folder / export["file"]
        if names and export["file"] not in names:
            continue
        if not path.exists():
            print(f"skipped: {export['file']}: {export['tool']} did not run")
            continue
        contacts, done = arrived(binary, export, path, folder / "runs" / export["file"])
        same, differences, left_out = compare(export, table["rows"], contacts)
        lost = f", {left_out} rows that the export does not hold" if left_out else ""
        print(f"{'ok' if not differences else 'FAILED'}: {export['file']}: {same} cells equal{lost}", flush=True)
        for number, name, wanted, cell in differences[:6]:
            print(f"    row {number}, {name}: expected {wanted!r}, arrived {'no contact' if cell is None else repr(cell)}")
        if len(differences) > 6:
            print(f"    and {len(differences) - 6} more")
        if differences:
            failed.append(export["file"])
            print("   ", " / ".join((done.stderr or done.stdout).strip().splitlines()[-3:])[:300])
        compared.append(export)
    print(f"{len(compared) - len(failed)} passed, {len(failed)} failed")
    if update:
        handbook.write(compared, versions, FILTERS, folder, table["rows"])
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
