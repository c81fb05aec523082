"""A compose file and a pod with many findings, and their deployments."""

from __future__ import annotations

from dockfix.context import Deployment
from dockfix.repository.manifests import read_manifests

COMPOSE = """\
x-common: &common
  user: root  # for now
services:
  web:
    <<: *common
    build: ./web
    ports: ["80:8000", "${PORT:-443}:443/tcp"]
    volumes:
      - ./data:/srv/data   # uploads
      - models:/root/.cache/huggingface
      - type: bind
        source: /etc/web
        target: /etc/web
        read_only: true
    read_only: true
    command: uvicorn main:app --port 8000
  job:
    build:
      context: .
      dockerfile: docker/job.Dockerfile
    user: "${UID:-1000}"
    privileged: yes
  db:
    image: postgres:16
"""

POD = """\
apiVersion: apps/v1
kind: Deployment
spec:
  template:
    spec:
      securityContext:
        runAsNonRoot: true
      containers:
        - name: web
          image: registry.example/team/web:1.2
          ports:
            - containerPort: 80
          volumeMounts:
            - {name: data, mountPath: /srv/data}
            - name: conf
              mountPath: /root/conf  # settings
        - name: sidecar
          image: other
          securityContext: {runAsUser: 0, readOnlyRootFilesystem: true}
      volumes:
        - name: data
          persistentVolumeClaim: {claimName: data}
        - name: conf
          configMap: {name: conf}
"""


def by_name(path: str, text: str) -> dict[str, Deployment]:
    return {one.name: one for one in read_manifests([(path, text)])}
