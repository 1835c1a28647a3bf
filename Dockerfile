# docker build -t slotlight .
# docker run --rm --user "$(id -u):$(id -g)" -v ~/Pictures:/photographs:ro -v "$PWD/found:/found" slotlight discover /photographs --out /found
# With --build-arg PIP_EXTRA_INDEX_URL=... (PyTorch's index for processors, named on its install page) the image is several GB smaller.
FROM python:3.11-slim

ARG PIP_EXTRA_INDEX_URL
COPY pyproject.toml README.md LICENSE /source/
COPY src /source/src
RUN pip install --no-cache-dir "/source[heic]" && rm -r /source

ENV HOME=/tmp
USER 1000:1000
ENTRYPOINT ["slotlight"]
CMD ["--help"]
