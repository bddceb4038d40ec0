// From CommonJS: Node loads the same module by require.
const { createMonitoring } = require('nexus-mcp/monitoring');

const monitoring = createMonitoring({ runtime: false });
const double = monitoring.tool('double', (/** @type {number} */ value) => value * 2);

double(21)
  .then(() => monitoring.metrics())
  .then(({ body }) => process.stdout.write(body));
