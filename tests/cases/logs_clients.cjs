// Logging transports of Node, as an application uses them.
//
// Usage: logs_clients.cjs winston|winston-proto|pino|otlp-proto|otlp-http|otlp-grpc ENDPOINT SERVICE
// Logs an info, a warning with an attribute and an error. Packages are found through NODE_PATH.

const [client, endpoint, service] = process.argv.slice(2);

function log(logger) {
  logger.info("order placed");
  logger.warn("stock is low: 3 left");
  logger.error("payment failed");
}

async function winston(json) {
  const { createLogger, format } = require("winston");
  const LokiTransport = require("winston-loki");
  const transport = new LokiTransport({
    host: endpoint,
    json,
    labels: { service },
    format: format.printf(({ message }) => message),
    onConnectionError: (error) => {
      throw error;
    },
  });
  const logger = createLogger({ level: "debug", transports: [transport] });
  log(logger);
  await transport.flush();
  process.exit(0);
}

function pino() {
  const options = { host: endpoint, labels: { service }, silenceErrors: false };
  const transport = require("pino").transport({ target: "pino-loki", options });
  const logger = require("pino")({ level: "debug" }, transport);
  log(logger);
  transport.end();
}

async function otlp(kind) {
  const { LoggerProvider, SimpleLogRecordProcessor } = require("@opentelemetry/sdk-logs");
  const { resourceFromAttributes } = require("@opentelemetry/resources");
  const { OTLPLogExporter } = require(`@opentelemetry/exporter-logs-otlp-${kind}`);
  const resource = resourceFromAttributes({ "service.name": service, zone: "z1" });
  const processors = [new SimpleLogRecordProcessor({ exporter: new OTLPLogExporter({ url: endpoint }) })];
  const provider = new LoggerProvider({ resource, processors });
  const logger = provider.getLogger("shop");
  logger.emit({ body: "order placed", severityNumber: 9, severityText: "INFO" });
  const attributes = { order: "o-1" };
  logger.emit({ body: "stock is low: 3 left", severityNumber: 13, severityText: "WARN", attributes });
  logger.emit({ body: { message: "payment failed", card: { last: 4242 } }, severityNumber: 17 });
  await provider.forceFlush();
  await provider.shutdown();
}

const clients = {
  winston: () => winston(true),
  "winston-proto": () => winston(false),
  pino,
  "otlp-proto": () => otlp("proto"),
  "otlp-http": () => otlp("http"),
  "otlp-grpc": () => otlp("grpc"),
};
clients[client]();
