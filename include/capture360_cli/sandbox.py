"""`capture360 sandbox`: run the local CDF in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from cdf_sandbox.core.options import ASSUMED, ExtractionNames, Options, ProjectMode, assumed


def sandbox(
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the API; 0 takes a free one.")],
    data: Annotated[Path, typer.Option(file_okay=False, help="Folder of all state and connection.json.")],
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    link_port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port of upload and download links; 0 takes a free one.")
    ] = 0,
    advertised_host: Annotated[
        str | None, typer.Option(help="Host name in connection.json, if clients do not reach HOST.")
    ] = None,
    project: Annotated[str, typer.Option(help="Name of the one project.")] = "capture360",
    mode: Annotated[ProjectMode, typer.Option(help="Mode of the project.")] = ProjectMode.HYBRID,
    list_lag: Annotated[float, typer.Option(min=0, help="Seconds until lists and searches see a change.")] = 2.0,
    uploaded_lag: Annotated[float, typer.Option(min=0, help="Seconds until a file says that it is uploaded.")] = 0.5,
    syncer_delay: Annotated[
        float, typer.Option(help="Seconds until a CogniteFile node has its file; below 0 it never gets one.")
    ] = 1.0,
    latency: Annotated[float, typer.Option(min=0, help="Seconds added to every answer.")] = 0.0,
    extraction_names: Annotated[
        ExtractionNames, typer.Option(help="Naming of the instances that are extracted from E57 files.")
    ] = "tidy",
    rate_limits: Annotated[bool, typer.Option(help="Answer 429 above CDF's limits.")] = True,
    assume: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help=f"Override an undocumented behaviour: {', '.join(ASSUMED)}."),
    ] = None,
    public: Annotated[bool, typer.Option("--public", help="Allow an address that other machines can reach.")] = False,
) -> None:
    """Run the sandbox, a local Cognite Data Fusion, until Ctrl-C. DIR/connection.json says how to reach it."""
    from cdf_sandbox.core.server import CONNECTION_FILE, CannotServe, run

    try:
        assumptions = assumed(assume or ())
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--assume") from None
    options = Options(
        data=data,
        host=host,
        port=port,
        link_port=link_port,
        advertised_host=advertised_host,
        project=project,
        mode=mode,
        list_lag=list_lag,
        uploaded_lag=uploaded_lag,
        syncer_delay=syncer_delay if syncer_delay >= 0 else None,
        latency=latency,
        extraction_names=extraction_names,
        rate_limits=rate_limits,
        public=public,
        **assumptions,
    )

    def announce(connection: dict[str, str]) -> None:
        typer.echo(f"CDF sandbox at {connection['base_url']}, project {project}, {mode.value}")
        typer.echo(f"Connection: {data / CONNECTION_FILE}")

    try:
        run(options, announce)
    except CannotServe as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
