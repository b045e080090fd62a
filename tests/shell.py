"""The command line in a test: what it prints, and how it refuses."""

from typer.testing import CliRunner

from graphclust.cli import app


def run(*words, code=0):
    result = CliRunner().invoke(app, list(words))
    assert result.exit_code == code, result.output + result.stderr
    return result


def refused(*words):
    """The one line that a user error prints; exit code 2, no traceback, nothing on stdout."""
    result = run(*words, code=2)
    assert result.stdout == ""
    assert "Traceback" not in result.stderr
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("error: ")
    return lines[0].removeprefix("error: ")
