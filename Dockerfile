# One image for every service of ours: migrations, workers, Flower. It holds no secret; those come with the environment.
FROM python:3.13-slim AS build
WORKDIR /src
COPY constraints.txt ./
RUN python -m venv /opt/precog && /opt/precog/bin/pip install --no-cache-dir --constraint constraints.txt hatchling
COPY . .
RUN /opt/precog/bin/pip install --no-cache-dir --no-build-isolation --constraint constraints.txt .

FROM python:3.13-slim
RUN useradd --system --create-home --home-dir /var/lib/precog precog
COPY --from=build /opt/precog /opt/precog
ENV PATH=/opt/precog/bin:$PATH PYTHONUNBUFFERED=1
USER precog
WORKDIR /var/lib/precog
CMD ["precog", "--help"]
