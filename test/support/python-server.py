"""An MCP server of the official Python SDK with some of everything, at the port that is its argument."""

import sys
from typing import Annotated

from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from pydantic import BaseModel, Field

server = MCPServer("python", instructions="Ask for Oslo.")


class Forecast(BaseModel):
    city: str
    degrees: Annotated[float, Field(description="In Celsius")]


@server.tool(title="Tomorrow's weather")
def forecast(city: str, degrees: float = 4.5) -> Forecast:
    """Tells tomorrow's weather."""
    return Forecast(city=city, degrees=degrees)


@server.tool()
def words(text: str) -> list[str]:
    """Splits a text."""
    return text.split()


@server.tool()
def fails() -> str:
    """Fails."""
    raise ValueError("es geht nicht: grüße")


@server.tool()
async def reports(steps: int, ctx: Context) -> str:
    """Reports progress."""
    for step in range(steps):
        await ctx.report_progress(step + 1, steps, f"step {step + 1}")
    return "reported"


@server.resource("python://readme", mime_type="text/plain")
def readme() -> str:
    """What there is to know."""
    return "Rain in Oslo."


@server.resource("python://cities/{name}")
def city(name: str) -> str:
    """A city."""
    return f"{name} is a city."


@server.prompt(title="Ask")
def ask(city: str) -> str:
    """Asks for the weather."""
    return f"How is the weather in {city}?"


server.run("streamable-http", port=int(sys.argv[1]))
