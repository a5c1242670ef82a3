(() => {
  const keep = document.getElementById("keep");
  const codes = document.getElementById("codes");
  const copied = document.getElementById("copied");
  const copy = keep.querySelector("[data-do=copy]");
  keep.hidden = false;
  keep.querySelector("[data-do=print]").addEventListener("click", () => print());
  if (!navigator.clipboard) {
    copy.hidden = true;
    return;
  }
  copy.addEventListener("click", async () => {
    const text = [...codes.children].map((each) => each.textContent.trim()).join("\n");
    try {
      await navigator.clipboard.writeText(text);
      copied.hidden = false;
    } catch {
      copy.hidden = true;
    }
  });
})();
