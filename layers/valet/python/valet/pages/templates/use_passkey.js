(() => {
  const form = document.getElementById("passkey");
  if (!window.PublicKeyCredential) return;
  const button = form.querySelector("button");
  const failed = document.getElementById("passkey-failed");
  const bytes = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const put = (name, buffer) => {
    const text = btoa(String.fromCharCode(...new Uint8Array(buffer)));
    form.elements[name].value = text.replace(/\+/g, "-").replace(/\//g, "_").replace(/=/g, "");
  };
  let asked;
  const ask = async (mediation) => {
    asked?.abort();
    asked = new AbortController();
    const found = await navigator.credentials.get({
      mediation,
      signal: asked.signal,
      publicKey: { challenge: bytes(form.dataset.challenge), rpId: form.dataset.rpId, userVerification: "required" },
    });
    put("credential_id", found.rawId);
    put("client_data", found.response.clientDataJSON);
    put("authenticator_data", found.response.authenticatorData);
    put("signature", found.response.signature);
    put("user_handle", found.response.userHandle);
    form.submit();
  };
  const offer = async () => {
    if (await PublicKeyCredential.isConditionalMediationAvailable?.()) await ask("conditional");
  };
  form.hidden = false;
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    try {
      await ask();
    } catch {
      failed.hidden = button.disabled = false;
      offer().catch(() => {});
    }
  });
  offer().catch(() => {});
})();
