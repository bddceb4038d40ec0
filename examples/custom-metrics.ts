/** Business measures beside the metrics of the tools; shop-dashboard.json shows them in Grafana. */
import { createServer } from 'node:http';
import { counter, createMonitoring, gauge, histogram } from 'nexus-mcp/monitoring';

const monitoring = createMonitoring({
  metrics: {
    shop_orders_total: counter('Orders placed', { plan: ['free', 'pro'] }),
    shop_order_value_euros: histogram('Value of orders in euros', [10, 50, 100, 500], {
      country: { atMost: 50 },
    }),
    shop_carts_open: gauge('Carts open now'),
  },
});
const {
  shop_orders_total: orders,
  shop_order_value_euros: values,
  shop_carts_open: carts,
} = monitoring.custom;

const order = monitoring.tool(
  'order',
  ({ plan, country, euros }: { plan: 'free' | 'pro'; country: string; euros: number }) => {
    orders.inc({ plan });
    values.observe({ country }, euros);
    carts.dec({});
  },
);

carts.set({}, 3);
await order({ plan: 'pro', country: 'at', euros: 75 });

const metrics = monitoring.expressHandler();
createServer((request, response) => {
  void metrics(request, response);
}).listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1');
