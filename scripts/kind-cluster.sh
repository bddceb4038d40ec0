#!/bin/sh
# Makes a cluster with kind for `make test-cluster`, with the image of this checkout, and with Prometheus Operator, a Prometheus,
# prometheus-adapter and KEDA unless given --bare. A second call adds what is missing.
set -eu
cd "$(dirname "$0")/.."

CLUSTER=nexus-mcp
OPERATOR=v0.93.0

for program in docker kind kubectl helm; do
  command -v "$program" >/dev/null || { echo "$program is needed, and is not installed." >&2; exit 1; }
done

kind get clusters 2>/dev/null | grep -qx "$CLUSTER" || kind create cluster --name "$CLUSTER" --wait 3m
kubectl config use-context "kind-$CLUSTER"

image=nexus-mcp/nexus-mcp:$(sed -n 's/^appVersion: "\{0,1\}\([^"]*\)"\{0,1\}$/\1/p' charts/nexus-mcp/Chart.yaml)
make image IMAGE="$image"
kind load docker-image "$image" --name "$CLUSTER"
if [ "${1:-}" = --bare ]; then exit 0; fi

kubectl apply --server-side -f "https://github.com/prometheus-operator/prometheus-operator/releases/download/$OPERATOR/bundle.yaml"
kubectl wait --for=condition=Established --timeout=2m crd/prometheuses.monitoring.coreos.com crd/alertmanagers.monitoring.coreos.com
kubectl rollout status deployment/prometheus-operator --timeout=3m
kubectl apply --server-side -f test/cluster/prometheus.yaml
helm upgrade --install keda keda --repo https://kedacore.github.io/charts \
  --namespace keda --create-namespace --wait
helm upgrade --install prometheus-adapter prometheus-adapter --repo https://prometheus-community.github.io/helm-charts \
  --namespace monitoring --values k8s/examples/prometheus-adapter-values.yaml \
  --set prometheus.url=http://prometheus-operated.monitoring.svc --wait
