"""``Command``: a command whose help shows its options in sections."""

from __future__ import annotations

import click

_SECTIONS = {
    "Filters": (
        *("sender", "host", "path", "connection", "port", "address", "type", "since", "until"),
    ),
    "Contents": (
        *("grep", "grep_not", "ignore_case", "json", "status", "min_size", "max_size", "around"),
    ),
    "Output": (
        *(
            "output",
            "force",
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
        *("max_message_size", "max_frame_size", "max_fragments"),
    ),
    "Raw dumps": ("timestamp", "times"),
}


class Command(click.Command):
    """A command whose help shows its options in sections, in the order of ``_SECTIONS``."""

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
