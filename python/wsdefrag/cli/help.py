"""``Command``: a command whose help shows its options in sections, and its exit status."""

from __future__ import annotations

import click

_SECTIONS = {
    "Playing": (
        *("to", "listen", "side", "speed", "in_turn", "wait", "parallel", "any_path", "once"),
        *("header", "remove_header"),
    ),
    "Connecting": (
        *("via", "upstream_ca", "upstream_cert", "insecure", "cert", "cert_key", "client_ca"),
        *("handshake_timeout", "close_timeout"),
    ),
    "Filters": (
        *("sender", "host", "path", "connection", "port", "address", "type", "since", "until"),
    ),
    "Contents": (
        *("grep", "grep_not", "ignore_case", "json", "status", "min_size", "max_size", "around"),
    ),
    "Output": (
        *(
            "ignore",
            "differences",
            "output",
            "force",
            "title",
            "output_format",
            "view",
            "by",
            "table",
            "most",
            "no_content",
            "no_events",
            "width",
        ),
        "summary",
    ),
    "Reading": (
        *("keylog", "resync", "decode_as", "key", "deflate", "tolerate", "memory", "idle_timeout"),
        "threads",
        *("max_message_size", "max_frame_size", "max_fragments"),
    ),
    "Raw dumps": ("timestamp", "times"),
}

_LOSS = "something was lost, damaged or not followed, or broke a rule"
_SIGNAL = (
    "ended by Ctrl-C or kill; an incomplete OUT is removed, but what came through a pipe until"
)

_EXIT_STATUS: tuple[tuple[str, str], ...] = (
    ("0", "everything was read; TLS without keys is named, and not counted as a failure"),
    ("1", f"{_LOSS}; standard error says what, and --tolerate accepts it"),
    ("2", "nothing could be read or written, or the arguments are wrong"),
    ("130, 143", f"{_SIGNAL} then is kept"),
)


class Command(click.Command):
    """A command whose help shows its options in sections, in the order of ``_SECTIONS``.

    Lines fit the terminal, except examples.

    Attributes:
        exit_statuses: Each exit status and what it says.
    """

    exit_statuses = _EXIT_STATUS

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the sections; options that belong to none come last."""
        records = {
            param.name: record
            for param in self.get_params(ctx)
            if isinstance(param, click.Option)
            and (record := param.get_help_record(ctx)) is not None
        }
        sections = {
            title: [records.pop(name) for name in names if name in records]
            for title, names in _SECTIONS.items()
        }
        sections["Other options"] = list(records.values())
        for title, rows in sections.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples, then the exit status."""
        super().format_epilog(ctx, formatter)
        with formatter.section("Exit status"):
            formatter.write_dl(self.exit_statuses)
