"""What it costs to know who asks and what they may, part by part; each part has its rival in the same run.

    decision    a signature of version 4 and a decision of 50 attached policies: below 60 µs of processor time
                together, and 20 times below the same decision by policies that are read again each time

Each part is a bench of cargo, optimised; it fails if it costs more than it may. Processor time is that of the
threads that do the work, so that a busy machine disturbs little.
"""

import argparse
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
# Name of the part: package and bench.
PARTS = {"decision": ("common", "identity")}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="all if none is named")
    parts = parser.parse_args().part or list(PARTS)
    if unknown := [part for part in parts if part not in PARTS]:
        parser.error(f"no such part: {', '.join(unknown)}; there are {', '.join(PARTS)}")
    failed = []
    for part in parts:
        package, bench = PARTS[part]
        print(f"== {part}", flush=True)
        command = ["cargo", "bench", "--quiet", "--locked", "-p", package, "--bench", bench]
        if subprocess.run(command, cwd=ROOT).returncode:
            failed.append(part)
    if failed:
        sys.exit(f"costs more than it may: {', '.join(failed)}")


if __name__ == "__main__":
    main()
