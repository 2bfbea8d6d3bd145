'use strict';
// Loaded by `evolink-mock run` into every Node program it starts (NODE_OPTIONS=--require): before Node 24, Node's
// own fetch and its https module honour no proxy. A connection to one of the API's hosts is made to the mock in its
// place. Nothing else changes: the name is still sent, and the certificate is still checked against it.
const net = require('node:net');

const { hosts, http, https } = JSON.parse(process.env.EVOLINK_MOCK_REDIRECT);
const connect = net.Socket.prototype.connect; // what http, https, tls, http2 and fetch all end in

function redirected(host, port) {
  return hosts.includes(String(host).toLowerCase()) ? (Number(port) === 80 ? http : https) : null;
}

net.Socket.prototype.connect = function (...given) {
  const at = Array.isArray(given[0]) ? given[0] : given; // net.connect has put the arguments in order already
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
