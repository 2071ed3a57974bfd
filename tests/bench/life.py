"""The memory of every process through a large sparse image's whole life.

Bundled, uploaded, registered and unpacked, run on a simulated node, downloaded as parts and unbundled: the
peaks are what the kernel counted (VmHWM), and the curve shows what each process held at each step.
"""

import argparse
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "clients"))

import cloud as clouds


def status_mib(pid, field):
    try:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    found = re.search(rf"{field}:\s+(\d+) kB", text)
    return int(found.group(1)) / 1024 if found else None


class Watch(threading.Thread):
    """Reads what the services hold, once a second, and the peak of each euca that runs."""

    def __init__(self, cloud):
        super().__init__(daemon=True)
        self.cloud, self.curve, self.step, self.over = cloud, [], "", threading.Event()
        self.began = time.monotonic()

    def run(self):
        while not self.over.wait(1):
            held = {name: status_mib(process.pid, "VmRSS") for name, process in self.cloud.processes.items()}
            self.curve.append((time.monotonic() - self.began, self.step, held))


def euca(credentials, *arguments):
    """Runs euca and gives the most memory it was seen to hold; the kernel keeps the peak until it has ended."""
    process = subprocess.Popen(
        [clouds.BIN / "euca", *map(str, arguments)], env=credentials.env, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )
    peak = 0.0
    while process.poll() is None:
        peak = max(peak, status_mib(process.pid, "VmHWM") or 0.0)
        time.sleep(0.05)
    assert process.returncode == 0, process.stderr.read()
    return peak, process.stdout.read()


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--gib", type=int, default=10, help="size of the image")
    options.add_argument("--noise-mib", type=int, default=128, help="how much of it does not compress")
    options.add_argument("--limit-mib", type=int, default=200)
    options = options.parse_args()

    work = pathlib.Path(tempfile.mkdtemp(prefix="eucalypt-life-"))
    cloud = clouds.Cloud(work / "cloud")
    try:
        cloud.raise_all()
        admin = cloud.administrator
        for kind in ("kernel", "ramdisk"):
            (work / kind).write_bytes(kind.encode() * 1000)
            manifest, _ = clouds.bundle(admin, work / kind, work / f"{kind}.bundle", f"--{kind}", "true")
            admin.euca("upload-bundle", "-b", "boot", "-m", manifest)
            admin.euca("register", f"boot/{manifest.name}", "-n", kind)
        user = cloud.add_user("taro")
        image = work / "disk.img"
        subprocess.run(["truncate", "-s", f"{options.gib}G", image], check=True)
        dice = random.Random(3)
        with open(image, "r+b") as file:
            for piece in range(options.noise_mib):
                file.seek(piece * (options.gib << 30) // options.noise_mib)
                file.write(dice.randbytes(1 << 20))

        watch = Watch(cloud)
        watch.start()
        peaks, folder = {}, work / "bundle"
        folder.mkdir()

        watch.step = "bundle"
        peaks["euca bundle-image"], _ = euca(user, "bundle-image", "-i", image, "-r", "x86_64", "-d", folder)
        (manifest,) = folder.glob("*.manifest.xml")
        watch.step = "upload"
        peaks["euca upload-bundle"], _ = euca(user, "upload-bundle", "-b", "large", "-m", manifest)
        watch.step = "register"
        image_id = user.euca("register", f"large/{manifest.name}", "-n", "large").split()[1]
        clouds.wait_until(
            lambda: "\tavailable\t" in user.euca("describe-images", image_id), "the image is available", 900
        )
        watch.step = "run"
        started = user.euca("run-instances", image_id, "-t", "c1.xlarge")
        instance = re.search(r"\bi-[0-9a-f]{8}\b", started).group()
        clouds.wait_until(
            lambda: "\trunning\t" in user.euca("describe-instances", instance), "the instance runs", 900
        )
        watch.step = "terminate"
        user.euca("terminate-instances", instance)
        clouds.wait_until(
            lambda: "\tterminated\t" in user.euca("describe-instances", instance), "it is terminated", 60
        )
        image.unlink()
        watch.step = "unbundle"
        peaks["euca unbundle"], _ = euca(user, "unbundle", "-m", manifest, "-s", folder, "-d", work)
        watch.over.set()
        watch.join()
        peaks |= {name: status_mib(process.pid, "VmHWM") for name, process in cloud.processes.items()}

        print(f"a sparse image of {options.gib} GiB with {options.noise_mib} MiB of noise")
        print(f"{'s':>6} {'step':<10}" + "".join(f"{name:>12}" for name in cloud.processes) + "   MiB held")
        stride = max(1, len(watch.curve) // 40)
        for at, step, held in watch.curve[::stride]:
            print(f"{at:6.0f} {step:<10}" + "".join(f"{value or 0:12.1f}" for value in held.values()))
        for name, peak in peaks.items():
            print(f"peak of {name}: {peak:.1f} MiB")
        return 0 if max(peaks.values()) < options.limit_mib else 1
    finally:
        cloud.stop_all()
        shutil.rmtree(work)


if __name__ == "__main__":
    sys.exit(main())
