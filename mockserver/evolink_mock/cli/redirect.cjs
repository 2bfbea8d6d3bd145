'use strict';
// `evolink-mock run` loads this file into every Node program (NODE_OPTIONS=--require), because fetch and https of
// Node ignore proxy settings before Node 24. With this file, they connect to the mock instead of the API's hosts. Nothing
// else changes: the host name is still sent, and the certificate is still checked against the host name.
const net = require('node:net');

const { hosts, http, https } = JSON.parse(process.env.EVOLINK_MOCK_REDIRECT);
const connect = net.Socket.prototype.connect; // which http, https, tls, http2 and fetch all use

function redirected(host, port) {
  return hosts.includes(String(host).toLowerCase()) ? (Number(port) === 80 ? http : https) : null;
}

net.Socket.prototype.connect = function (...given) {
  const at = Array.isArray(given[0]) ? given[0] : given; // net.connect passes its arguments as an array
  const [first, second] = at;
  if (first !== null && typeof first === 'object') {
    const port = redirected(first.host, first.port);
    if (port !== null) at[0] = { ...first, host: '127.0.0.1', port };
  } else if (typeof second === 'string') {
    const port = redirected(second, first);
    if (port !== null) [at[0], at[1]] = [port, '127.0.0.1'];
  }
  return connect.apply(this, given);
};
