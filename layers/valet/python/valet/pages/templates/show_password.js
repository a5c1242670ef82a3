(() => {
  const field = document.getElementById("password");
  const box = document.getElementById("show");
  document.getElementById("showing").hidden = false;
  box.checked = false;
  box.addEventListener("change", () => {
    field.type = box.checked ? "text" : "password";
  });
  // A browser remembers what was typed into a field of text.
  field.form.addEventListener("submit", () => {
    field.type = "password";
  });
})();
