// A list of any length of which only the visible rows are elements.
//
// A list of up to `MOST_PIXELS` scrolls like any element. A longer one is mapped to that height: the
// scroll bar goes through all of it, and the wheel moves by rows.

const MOST_PIXELS = 8_000_000;

class VirtualList {
  // `fill(element, index)` shows a row in an element; `pick(index)` is called for a click or the key
  // Enter; `move(index)` when the current row has changed.
  constructor({ label, columns, rowHeight, rowClass, fill, move, pick }) {
    Object.assign(this, { rowHeight, rowClass, fill, move, pick });
    this.length = 0;
    this.current = -1;
    this.first = 0;
    this.pool = [];
    this.space = make("div", { class: "space", role: "presentation" });
    this.window = make("div", { class: "window", role: "rowgroup" });
    this.element = make("div",
      { class: "list", role: "grid", tabindex: "0", "aria-label": label, "aria-colcount": columns, "aria-rowcount": 0 },
      this.window, this.space);
    this.element.addEventListener("scroll", () => this.scrolled());
    this.element.addEventListener("wheel", (event) => this.turned(event), { passive: false });
    this.element.addEventListener("keydown", (event) => this.key(event));
    this.element.addEventListener("click", (event) => this.clicked(event));
    new ResizeObserver(() => this.show()).observe(this.element);
  }

  get visibleRows() {
    return Math.max(1, Math.floor(this.element.clientHeight / this.rowHeight));
  }

  get isMapped() {
    return this.length * this.rowHeight > MOST_PIXELS;
  }

  get lastFirst() {
    return Math.max(0, this.length - this.element.clientHeight / this.rowHeight);
  }

  // Shows a list of this length from its start, or from where it is.
  setLength(length, keepsPlace = false) {
    this.length = length;
    this.element.setAttribute("aria-rowcount", length);
    this.space.style.height = `${Math.min(length * this.rowHeight, MOST_PIXELS)}px`;
    if (!keepsPlace) this.scrollToRow(0);
    this.show();
  }

  // The first visible row, with a fraction.
  scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.element;
    if (!this.isMapped) this.first = scrollTop / this.rowHeight;
    else if (this.expected !== scrollTop) this.first = this.lastFirst * scrollTop / Math.max(1, scrollHeight - clientHeight);
    this.expected = null;
    this.show();
  }

  scrollToRow(first) {
    this.first = Math.max(0, Math.min(first, this.lastFirst));
    const { scrollHeight, clientHeight } = this.element;
    this.element.scrollTop = this.isMapped
      ? this.first / Math.max(1, this.lastFirst) * (scrollHeight - clientHeight)
      : this.first * this.rowHeight;
    // A browser rounds; its event must not move the list again.
    this.expected = this.element.scrollTop;
    this.show();
  }

  turned(event) {
    if (!this.isMapped || event.ctrlKey) return;
    event.preventDefault();
    const pixels = event.deltaMode === 0 ? event.deltaY : event.deltaY * this.rowHeight;
    this.scrollToRow(this.first + pixels / this.rowHeight);
  }

  // Draws the visible rows.
  show() {
    const rows = Math.min(this.length, Math.ceil(this.element.clientHeight / this.rowHeight) + 1);
    const start = Math.max(0, Math.min(Math.floor(this.first), this.length - rows));
    while (this.pool.length < rows) {
      const row = make("div", { class: this.rowClass, role: "row" });
      this.pool.push(row);
      this.window.append(row);
    }
    while (this.pool.length > rows) this.pool.pop().remove();
    const top = this.isMapped ? this.element.scrollTop - (this.first - start) * this.rowHeight : start * this.rowHeight;
    this.window.style.transform = `translateY(${top}px)`;
    for (let index = start; index < start + rows; index += 1) this.showRow(this.pool[index - start], index);
    const current = this.pool.find((row) => row.index === this.current);
    if (current) this.element.setAttribute("aria-activedescendant", current.id);
    else this.element.removeAttribute("aria-activedescendant");
  }

  showRow(row, index) {
    row.index = index;
    row.id = `${this.rowClass}-${index}`;
    row.setAttribute("aria-rowindex", index + 1);
    row.setAttribute("aria-selected", index === this.current);
    this.fill(row, index);
  }

  // Makes a row the current one and scrolls to it if it is not visible.
  setCurrent(index, tells = true) {
    this.current = Math.max(-1, Math.min(index, this.length - 1));
    if (this.current >= 0 && this.current < this.first) this.scrollToRow(this.current);
    else if (this.current > this.first + this.visibleRows - 1) this.scrollToRow(this.current - this.visibleRows + 1);
    else this.show();
    if (tells && this.current >= 0) this.move(this.current);
  }

  // Makes a row the current one, in the middle of the list.
  jumpTo(index) {
    this.scrollToRow(index - Math.floor(this.visibleRows / 2));
    this.setCurrent(index);
  }

  clicked(event) {
    const row = event.target.closest("[role=row]");
    if (!row || event.target.closest("a")) return;
    this.setCurrent(row.index);
    this.pick(row.index);
  }

  key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1, PageDown: this.visibleRows, PageUp: -this.visibleRows };
    if (event.key in steps) this.setCurrent(Math.max(0, this.current + steps[event.key]));
    else if (event.key === "Home") this.setCurrent(0);
    else if (event.key === "End") this.setCurrent(this.length - 1);
    else if (event.key === "Enter" && this.current >= 0) this.pick(this.current);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }
}
