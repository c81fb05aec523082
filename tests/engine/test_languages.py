"""Images of Go, Java, Ruby and PHP, with Debian's toolchains and no dependencies, are proven and written.

Their bases stand in for the official images, which have the same programs; .NET and Rust are known by
reading alone.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from applications import need_images, standing_in
from command_runs import run_dockfix

from dockfix.options.request import OBSERVER

pytestmark = pytest.mark.engine
DEBIAN = "debian:bookworm-slim"
TOOLCHAINS = f"""\
FROM {DEBIAN}
RUN mkdir -p /usr/share/man/man1 && apt-get update \\
    && apt-get install --yes --no-install-recommends golang-go openjdk-17-jre-headless ecj ruby php-cli \\
    && printf '#!/bin/sh\\nexec ecj -17 -proc:none "$@"\\n' > /usr/local/bin/javac \\
    && chmod 755 /usr/local/bin/javac && rm -rf /var/lib/apt/lists/*
"""
GO = """\
package main

import (
	"fmt"
	"net/http"
	"os"
)

func main() {
	if os.MkdirAll("/data", 0755) != nil || os.WriteFile("/data/state", []byte("x"), 0644) != nil {
		fmt.Println("open /data/state: permission denied")
		os.Exit(1)
	}
	http.HandleFunc("/", func(to http.ResponseWriter, _ *http.Request) { fmt.Fprint(to, "hello from Go") })
	http.ListenAndServe(":8080", nil)
}
"""
GO_FILE = f"""\
FROM golang:1.19-bookworm AS build
WORKDIR /src
COPY . .
RUN go build -o /server .
FROM {DEBIAN}
WORKDIR /app
COPY --from=build /server /usr/local/bin/server
EXPOSE 8080
CMD ["server"]
"""
JAVA = """\
import com.sun.net.httpserver.HttpServer;
import java.io.FileWriter;
import java.net.InetSocketAddress;

public class Main {
    public static void main(String[] words) throws Exception {
        try (FileWriter state = new FileWriter("state")) { state.write("x"); }
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", exchange -> {
            byte[] body = "hello from Java".getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""
JAVA_FILE = """\
FROM eclipse-temurin:17-jdk
WORKDIR /app
COPY Main.java .
RUN javac Main.java
CMD ["java", "Main"]
"""
RUBY = """\
require 'socket'
File.write('state', 'x')
server = TCPServer.new('0.0.0.0', 8080)
loop do
  client = server.accept
  client.readpartial(4096)
  client.write "HTTP/1.0 200 OK\\r\\n\\r\\nhello from Ruby"
  client.close
end
"""
RUBY_FILE = """\
FROM ruby:3.1-slim
WORKDIR /app
COPY . .
CMD ["ruby", "server.rb"]
"""
PHP = "<?php file_put_contents('visits', 'x', FILE_APPEND); echo 'hello from PHP';\n"
PHP_FILE = """\
FROM php:8.2-cli
WORKDIR /srv/www
COPY . .
CMD ["php", "-S", "0.0.0.0:8080"]
"""
FILES = {
    "go": {"Dockerfile": GO_FILE, "main.go": GO, "go.mod": "module shop\n\ngo 1.19\n"},
    "java": {"Dockerfile": JAVA_FILE, "Main.java": JAVA},
    "ruby": {"Dockerfile": RUBY_FILE, "server.rb": RUBY},
    "php": {"Dockerfile": PHP_FILE, "index.php": PHP},
}
BASES = ("golang:1.19-bookworm", "eclipse-temurin:17-jdk", "ruby:3.1-slim", "php:8.2-cli")


def test_images_of_four_languages_are_proven_and_written(tmp_path: Path) -> None:
    need_images([DEBIAN, OBSERVER], {})
    for language, files in FILES.items():
        (tmp_path / "files" / language).mkdir(parents=True)
        for name, text in files.items():
            (tmp_path / "files" / language / name).write_text(text)
    base = tmp_path / "base" / "Dockerfile"
    base.parent.mkdir()
    base.write_text(TOOLCHAINS)
    asked = ("--languages", ",".join(FILES), "--report", "r.json")
    with standing_in(dict.fromkeys(BASES, base)):
        done = run_dockfix(tmp_path, "--write", "--verbose", "--allow-dirty", *asked, "files", seconds=5)
    assert done.returncode == 0, done.stderr
    assert "round 1: " in done.stderr
    assert "tried again, as it writes /data/" in done.stderr
    rows = {row["path"]: row for row in json.loads((tmp_path / "r.json").read_text())["files"]}
    for language, title in (("go", "Go"), ("java", "Java"), ("ruby", "Ruby"), ("php", "PHP")):
        details = rows[f"files/{language}/Dockerfile"]["proof"]["details"]
        assert [one["body"] for one in details["after"]["answers"]] == [f"hello from {title}"], language
        assert {one["uid"] for one in details["before"]["processes"]} == {0}
        assert 0 not in {one["uid"] for one in details["after"]["processes"]}
        assert "USER appuser\n" in (tmp_path / "files" / language / "Dockerfile").read_text()
