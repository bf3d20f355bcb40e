# The whole product in an image without a shell; docs/self-hosting.md says how to run it.
FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN CGO_ENABLED=0 go build -ldflags="-s -w" -o /out/tallystick ./cmd/tallystick
RUN mkdir /out/data

FROM gcr.io/distroless/static:nonroot
COPY --from=build /out/tallystick /usr/local/bin/tallystick
# A new volume takes its owner from here.
COPY --from=build --chown=65532:65532 /out/data /data
USER 65532:65532
VOLUME /data
WORKDIR /data
# No loopback address, so the demo shop, which needs no key, is closed.
ENV ADDR=0.0.0.0:8080
EXPOSE 8080
# No HEALTHCHECK: it would start a process each time, and a restart mends little of what
# it can find. "docker exec NAME tallystick doctor" asks all.
ENTRYPOINT ["tallystick", "serve"]
