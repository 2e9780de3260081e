(function () {
  "use strict";
  var cookieName = document.documentElement.getAttribute("data-cookie");

  function browserState() {
    var pairs = document.cookie.split(";"), i, pair;
    for (i = 0; i < pairs.length; i += 1) {
      pair = pairs[i].replace(/^ +/, "");
      if (pair.indexOf(cookieName + "=") === 0) { return pair.substring(cookieName.length + 1); }
    }
    return "";
  }

  function rotate(word, by) { return (word >>> by) | (word << (32 - by)); }

  function fraction(root) { return ((root - Math.floor(root)) * 4294967296) | 0; }

  // FIPS 180-4: constants are the fractional parts of the square and cube roots of the first primes.
  function constants() {
    var hash = [], round = [], candidate = 2, divisor, prime;
    while (round.length < 64) {
      prime = true;
      for (divisor = 2; divisor * divisor <= candidate; divisor += 1) {
        if (candidate % divisor === 0) { prime = false; break; }
      }
      if (prime) {
        if (hash.length < 8) { hash.push(fraction(Math.pow(candidate, 1 / 2))); }
        round.push(fraction(Math.pow(candidate, 1 / 3)));
      }
      candidate += 1;
    }
    return { hash: hash, round: round };
  }

  function sha256(text) {
    var bytes = unescape(encodeURIComponent(text)), length = bytes.length, words = [], fixed = constants();
    var hash = fixed.hash, i, t, block, w, v, s0, s1, t1, t2, hex = "";
    for (i = 0; i < length; i += 1) { words[i >> 2] |= bytes.charCodeAt(i) << (24 - (i % 4) * 8); }
    words[length >> 2] |= 128 << (24 - (length % 4) * 8);
    block = ((length + 8) >> 6) * 16 + 16;
    for (i = 0; i < block; i += 1) { words[i] = words[i] | 0; }
    words[block - 1] = length * 8;
    for (i = 0; i < block; i += 16) {
      w = words.slice(i, i + 16);
      v = hash.slice(0);
      for (t = 0; t < 64; t += 1) {
        if (t > 15) {
          s0 = rotate(w[t - 15], 7) ^ rotate(w[t - 15], 18) ^ (w[t - 15] >>> 3);
          s1 = rotate(w[t - 2], 17) ^ rotate(w[t - 2], 19) ^ (w[t - 2] >>> 10);
          w[t] = (w[t - 16] + s0 + w[t - 7] + s1) | 0;
        }
        s1 = rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25);
        t1 = (v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + fixed.round[t] + w[t]) | 0;
        s0 = rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22);
        t2 = (s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]))) | 0;
        v = [(t1 + t2) | 0, v[0], v[1], v[2], (v[3] + t1) | 0, v[4], v[5], v[6]];
      }
      for (t = 0; t < 8; t += 1) { hash[t] = (hash[t] + v[t]) | 0; }
    }
    for (i = 0; i < 8; i += 1) { hex += ("0000000" + (hash[i] >>> 0).toString(16)).slice(-8); }
    return hex;
  }

  function answer(data, origin) {
    var space, clientId, sessionState, dot, salt, expected;
    if (typeof data !== "string" || data.length > 4096) { return "error"; }
    space = data.lastIndexOf(" ");
    clientId = data.substring(0, space);
    sessionState = data.substring(space + 1);
    dot = sessionState.indexOf(".");
    salt = sessionState.substring(dot + 1);
    if (space < 1 || dot < 1 || !salt) { return "error"; }
    expected = sha256(clientId + " " + origin + " " + browserState() + " " + salt) + "." + salt;
    return expected === sessionState ? "unchanged" : "changed";
  }

  window.addEventListener("message", function (event) {
    if (!event.source || event.source === window || event.origin === "null") { return; }
    event.source.postMessage(answer(event.data, event.origin), event.origin);
  }, false);
}());
