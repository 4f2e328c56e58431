"""The program permeability as a process of its own: where it is, what it can do, what it says."""

import json
import os
import queue
import shutil
import subprocess
import threading

SETTING = "PERMEABILITY_PYTHON"
# what QGIS sets for its own libraries and would lead those of the program astray
FOREIGN = ("PYTHONHOME", "PYTHONPATH", "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_LIB", "PROJ_DATA", "LD_LIBRARY_PATH", "QT_PLUGIN_PATH")  # fmt: skip
FILE_FLAGS = {"creationflags": 0x08000000} if os.name == "nt" else {}  # no black window on Windows


class ProgramError(Exception):
    """The program is not there, or has refused; the text is its own."""


def command():
    """How the program is called: by the setting, the variable, or what lies on the path."""
    named = _setting() or os.environ.get(SETTING, "") or shutil.which("permeability") or ""
    if not named or (shutil.which(named) is None and not os.path.isfile(named)):
        where = (
            "Settings > Options > Processing > Providers > Landscape permeability, or the variable " + SETTING
        )
        raise ProgramError(
            "The program permeability was not found{}. Install it into a Python environment (pip install landscape-permeability) and name its "
            "Python there: {}.".format(f" at {named!r}" if named else "", where)
        )
    is_python = os.path.basename(named).lower().startswith("python")
    return [named, "-m", "permeability"] if is_python else [named]


def _setting():
    try:
        from processing.core.ProcessingConfig import ProcessingConfig

        return ProcessingConfig.getSetting(SETTING) or ""
    except ImportError:
        return ""


def spec():
    """Every command with its parameters."""
    result, _ = call(["spec"])
    return result


def call(words, tell=lambda event: None, stopped=lambda: False):
    """Run the program; its result and its exit code.  ``tell`` is given every event, ``stopped`` is asked five times a second."""
    env = {k: v for k, v in os.environ.items() if k not in FOREIGN}
    try:
        process = subprocess.Popen(
            [*command(), *words, "--json"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
            errors="replace", env=env, **FILE_FLAGS,
        )  # fmt: skip
    except OSError as error:
        raise ProgramError(f"permeability cannot be started: {error}") from error
    lines, out, last = queue.Queue(), [], None
    readers = [
        threading.Thread(
            target=lambda: ([lines.put(line) for line in process.stderr], lines.put(None)), daemon=True
        ),
        threading.Thread(target=lambda: out.append(process.stdout.read()), daemon=True),
    ]
    for reader in readers:
        reader.start()
    while True:
        if stopped():
            process.terminate()
        try:
            line = lines.get(timeout=0.2)
        except queue.Empty:
            continue
        if line is None:
            break
        event = _event(line)
        last = event if event["event"] == "error" else last
        tell(event)
    code = process.wait()
    for reader in readers:
        reader.join()
    process.stdout.close()
    process.stderr.close()
    text = (out or [""])[0]
    if text.strip():
        try:
            return json.loads(text), code
        except ValueError as error:
            raise ProgramError(f"permeability said what is no JSON: {text[:300]}") from error
    raise ProgramError(last["text"] if last else f"permeability ended with code {code} and said nothing")


def _event(line):
    """An event; whatever else stands on stderr is a message."""
    try:
        event = json.loads(line)
        return (
            event
            if isinstance(event, dict) and "event" in event
            else {"event": "message", "text": line.rstrip()}
        )
    except ValueError:
        return {"event": "message", "text": line.rstrip()}
