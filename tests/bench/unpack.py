"""How fast a bundle becomes its image again: ours against the pipe that everybody could type.

    cat parts | openssl enc -d -aes-128-cbc | gunzip | tar x

Both read the same parts and write the same image, taking turns in one run; ours also checks every part's
SHA-1, the padding, the image's digest and size. What counts is the ratio; the seconds are of this machine.
"""

import argparse
import hashlib
import os
import pathlib
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import cloud as clouds


def make_image(path, mib):
    """A file system's mixture, the same every time: a third noise, a third text, a third holes."""
    dice = random.Random(7)
    words = [bytes(dice.choices(b"abcdefghijklmnopqrstuvwxyz", k=dice.randint(2, 9))) for _ in range(4000)]
    text = b" ".join(dice.choices(words, k=200_000))[: 1 << 20].ljust(1 << 20, b".")
    with open(path, "wb") as file:
        file.truncate(mib << 20)
        for at in range(mib):
            if at % 3 == 2:
                continue
            file.seek(at << 20)
            shift = dice.randrange(1 << 20)
            file.write(dice.randbytes(1 << 20) if at % 3 == 0 else text[shift:] + text[:shift])


def timed(command, **more):
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, **more)
    took = time.perf_counter() - began
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return took


def key_of(folder, manifest):
    """The bundle's AES key and IV, as the owner's private key opens them."""
    text = manifest.read_text()
    found = []
    for name in ("user_encrypted_key", "user_encrypted_iv"):
        sealed = bytes.fromhex(re.search(rf"<{name}[^>]*>([0-9a-f]+)<", text).group(1))
        opened = subprocess.run(
            ["openssl", "pkeyutl", "-decrypt", "-inkey", folder / "pk.pem", "-pkeyopt", "rsa_padding_mode:pkcs1"],
            input=sealed, capture_output=True, check=True,
        ).stdout
        found.append(opened.decode().strip())
    return found


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha1").hexdigest()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--mib", type=int, default=768, help="size of the image")
    options.add_argument("--rounds", type=int, default=5)
    options = options.parse_args()

    work = pathlib.Path(tempfile.mkdtemp(prefix="eucalypt-bench-"))
    try:
        image = work / "image"
        make_image(image, options.mib)
        subject = ["-subj", "/CN=bench", "-days", "2"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, "-keyout", work / "pk.pem",
             "-out", work / "cert.pem"], check=True, capture_output=True,
        )
        bundle = work / "bundle"
        bundle.mkdir()
        took = timed(
            [clouds.BIN / "euca", "bundle-image", "-i", image, "-r", "x86_64", "-d", bundle, "-u", "111111111111",
             "-c", work / "cert.pem", "-k", work / "pk.pem", "--ec2cert", work / "cert.pem"],
            env={"PATH": os.environ["PATH"], "HOME": str(work)},
        )
        (manifest,) = bundle.glob("*.manifest.xml")
        parts = sorted(bundle.glob("*.part.*"), key=lambda part: int(part.suffix[1:]))
        size = sum(part.stat().st_size for part in parts)
        print(f"image {options.mib} MiB, bundle {size >> 20} MiB in {len(parts)} parts, bundled in {took:.1f} s")
        key, iv = key_of(work, manifest)
        pipe = (
            "set -o pipefail; cat " + " ".join(map(str, parts))
            + f" | openssl enc -d -aes-128-cbc -K {key} -iv {iv} | gunzip | tar x --sparse -C {work}/theirs"
        )
        ours_command = [
            clouds.BIN / "euca", "unbundle", "-m", manifest, "-s", bundle, "-d", work / "ours", "-k", work / "pk.pem",
        ]
        ratios = []
        for round_ in range(options.rounds + 1):
            seconds = {}
            # The order changes, so that neither always has the warmer cache.
            for name in ("ours", "theirs") if round_ % 2 else ("theirs", "ours"):
                shutil.rmtree(work / name, ignore_errors=True)
                (work / name).mkdir()
                command = ours_command if name == "ours" else ["bash", "-c", pipe]
                seconds[name] = timed(command, env={"PATH": os.environ["PATH"], "HOME": str(work)})
            if round_ == 0:
                made = {name: digest(next((work / name).iterdir())) for name in seconds}
                assert set(made.values()) == {digest(image)}, made
                continue
            ratios.append(seconds["theirs"] / seconds["ours"])
            print(f"  round {round_}: ours {seconds['ours']:.2f} s, pipe {seconds['theirs']:.2f} s, "
                  f"{ratios[-1]:.2f} times as fast")
        print(f"unpack: {statistics.median(ratios):.2f} times as fast as the pipe "
              f"({min(ratios):.2f} to {max(ratios):.2f} in {options.rounds} rounds)")
        return 0 if statistics.median(ratios) >= 1 else 1
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
