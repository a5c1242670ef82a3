(() => {
  const button = document.getElementById("show-password");
  const field = document.getElementById("new_password");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isShown = field.type === "text";
    field.type = isShown ? "password" : "text";
    button.setAttribute("aria-pressed", String(!isShown));
  });
  // Browsers keep the texts that people type into other fields.
  field.form.addEventListener("submit", () => {
    field.type = "password";
  });
})();
