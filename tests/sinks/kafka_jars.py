"""
Puts Apache Kafka where the tests find it: `python -m tests.sinks.kafka_jars`, which needs Maven and Java.

It comes from Maven Central, and lies outside the tree, as the clients of tests/clients/install.py do.
"""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.clients.install import CACHE, complete

VERSION = "4.4.0"
HOME = CACHE.parent / f"kafka-{VERSION}"
JARS = HOME / "jars"
FORMATTED = HOME / "formatted"
"""A data folder in which a server of one node can start."""
NODE = "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
"""What the properties of every server begin with."""

_POM = f"""<project xmlns="http://maven.apache.org/POM/4.0.0">
<modelVersion>4.0.0</modelVersion><groupId>tests</groupId><artifactId>kafka</artifactId><version>1</version>
<dependencies><dependency>
<groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>{VERSION}</version>
</dependency></dependencies></project>"""


def main() -> None:
    """Install it if it is missing, or fail."""
    complete(HOME, _install)


def _install(folder: Path) -> None:
    if not shutil.which("mvn"):
        sys.exit("Apache Kafka needs Maven and Java.")
    (folder / "pom.xml").write_text(_POM)
    maven = ["mvn", "--batch-mode", "--quiet", "dependency:copy-dependencies", "-DincludeScope=runtime"]
    subprocess.run([*maven, "-DoutputDirectory=jars"], cwd=folder, check=True)
    properties = folder / "format.properties"
    listeners = "listeners=PLAINTEXT://:1,CONTROLLER://:2\ncontroller.quorum.voters=1@127.0.0.1:2\n"
    properties.write_text(f"{NODE}{listeners}log.dirs={folder / 'formatted'}\n")
    java = ["java", "-cp", "jars/*", "kafka.tools.StorageTool", "format"]
    subprocess.run([*java, "-t", "AAAAAAAAAAAAAAAAAAAAAQ", "-c", properties], cwd=folder, check=True)


if __name__ == "__main__":
    main()
