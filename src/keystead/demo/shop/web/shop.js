// The shop's page. It talks to its own origin only, holds no token, and sends one static header with each call.
const $ = (id) => document.getElementById(id);
const money = (cents) => new Intl.NumberFormat(undefined, { style: "currency", currency: "EUR" }).format(cents / 100);
const call = (path, options = {}) =>
  fetch(path, { ...options, credentials: "same-origin", headers: { "X-CSRF": "1", ...(options.headers || {}) } });

function element(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function say(text, tone = "plain") {
  const notice = $("notice");
  notice.textContent = text;
  notice.dataset.tone = tone;
  notice.hidden = false;
}

const SHAPES = {
  lantern: "M12 3h8v3h3l2 19a3 3 0 0 1-3 3H10a3 3 0 0 1-3-3L9 6h3zM12 10l-1 13h10l-1-13z",
  kettle: "M5 14h18l4-4v6l-3 3v5a4 4 0 0 1-4 4H11a5 5 0 0 1-5-5zM10 13a6 6 0 0 1 12 0z",
  compass: "M16 3a13 13 0 1 1 0 26 13 13 0 0 1 0-26zm5 8-8 3-3 8 8-3z",
  tent: "M16 4 29 27H19l-3-6-3 6H3z",
  axe: "M20 3c5 1 8 4 9 9l-6 3-3-3L8 27l-4-4 14-13-2-3z",
  blanket: "M4 8h24v4H4zm0 6h24v4H4zm0 6h24v6H4z",
};

function picture(product) {
  const space = "http://www.w3.org/2000/svg";
  const drawing = document.createElementNS(space, "svg");
  drawing.setAttribute("viewBox", "0 0 32 32");
  drawing.setAttribute("aria-hidden", "true");
  drawing.setAttribute("class", `picture hue-${product.id}`);
  const path = document.createElementNS(space, "path");
  path.setAttribute("d", SHAPES[product.id] || SHAPES.tent);
  path.setAttribute("fill", "currentColor");
  path.setAttribute("fill-rule", "evenodd");
  drawing.append(path);
  return drawing;
}

function productCard(product) {
  const button = element("button", { className: "button", type: "button", textContent: "Order" });
  button.dataset.product = product.id;
  button.setAttribute("aria-label", `Order ${product.name}`);
  button.addEventListener("click", () => placeOrder(product, button));
  return element("li", { className: "product" }, picture(product),
    element("h3", { textContent: product.name }),
    element("p", { className: "hint", textContent: product.note }),
    element("div", { className: "buy" }, element("strong", { textContent: money(product.price) }), button));
}

async function placeOrder(product, button) {
  button.disabled = true;
  try {
    const answer = await call("/api/orders/orders", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ product: product.id, quantity: 1 }),
    });
    const body = await answer.json();
    if (!answer.ok) return say(refusal(answer.status, body), "bad");
    say(`Order ${body.id} placed. ${body.reserved.remaining} left in stock.`, "good");
    await showOrders();
    await waitForInvoice(body.id);
  } finally {
    button.disabled = false;
  }
}

async function waitForInvoice(order) {
  for (let attempt = 0; attempt < 20; attempt += 1) {
    const invoices = await showInvoices();
    if (invoices.some((invoice) => invoice.order === order)) return;
    await new Promise((resume) => setTimeout(resume, 150));
  }
}

function refusal(status, body) {
  const why = body?.error_description || body?.detail?.explanation || body?.detail || body?.error || "";
  return status === 401 ? "Please sign in first." : `Refused (${status}). ${typeof why === "string" ? why : ""}`;
}

async function showProducts() {
  const answer = await call("/api/catalog/products");
  if (!answer.ok) return;
  const { products } = await answer.json();
  $("products").replaceChildren(...products.map(productCard));
}

async function showOrders() {
  const answer = await call("/api/orders/orders");
  if (!answer.ok) return;
  const { orders } = await answer.json();
  const rows = orders.map((order) => {
    const link = element("button", { className: "link", type: "button", textContent: order.id });
    link.dataset.order = order.id;
    link.addEventListener("click", () => openOrder(order.id));
    return element("li", {}, link, element("span", { textContent: order.product }),
      element("strong", { textContent: money(order.total) }));
  });
  $("orders").replaceChildren(...(rows.length ? rows : [element("li", { className: "hint", textContent: "None yet." })]));
}

async function showInvoices() {
  const answer = await call("/api/billing/invoices");
  if (!answer.ok) return [];
  const { invoices } = await answer.json();
  const rows = invoices.map((invoice) => {
    const row = element("li", {}, element("span", { textContent: invoice.id }),
      element("span", { textContent: `for ${invoice.order}` }), element("strong", { textContent: money(invoice.total) }));
    row.dataset.invoiceFor = invoice.order;
    return row;
  });
  $("invoices").replaceChildren(...(rows.length ? rows : [element("li", { className: "hint", textContent: "Nothing to pay." })]));
  return invoices;
}

async function openOrder(id) {
  const detail = $("order-detail");
  const answer = await call(`/api/orders/orders/${encodeURIComponent(id)}`);
  const body = await answer.json();
  detail.hidden = false;
  detail.dataset.tone = answer.ok ? "good" : "bad";
  if (!answer.ok) {
    detail.replaceChildren(element("strong", { textContent: answer.status === 403 ? "Not yours to see" : "Not found" }),
      element("p", { textContent: refusal(answer.status, body) }));
    return;
  }
  detail.replaceChildren(element("strong", { textContent: `${body.product} × ${body.quantity}, ${money(body.total)}` }),
    element("p", { className: "hint", textContent: "You may see it because" }),
    element("ol", { className: "path" }, ...body.because.map((step) => element("li", { textContent: step }))));
}

async function begin() {
  const settings = await fetch("/assets/settings.json").then((answer) => (answer.ok ? answer.json() : {})).catch(() => ({}));
  if (settings.xray) {
    $("xray-link").href = settings.xray;
    $("xray-link").hidden = false;
  }
  const answer = await call("/bff/user");
  if (!answer.ok) {
    $("sign-in").hidden = false;
    $("products").replaceChildren(element("li", { className: "product hint", textContent: "Sign in to see what we sell." }));
    return;
  }
  const user = await answer.json();
  $("who").textContent = user.name || user.preferred_username || user.sub;
  $("who").hidden = false;
  $("sign-out").hidden = false;
  $("private").hidden = false;
  await showProducts();
  await Promise.all([showOrders(), showInvoices()]);
}

$("open-order").addEventListener("submit", (event) => {
  event.preventDefault();
  openOrder($("order-id").value.trim());
});
$("sign-out").addEventListener("click", async () => {
  const answer = await call("/bff/logout", { method: "POST" });
  const body = await answer.json().catch(() => ({}));
  location.assign(body.logout_url || "/");
});
begin();
