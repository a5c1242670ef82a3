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
  const { challenge, rpId, rpName, userHandle, username, displayName, algorithms, exclude } = form.dataset;
  const known = exclude.split(" ").filter(Boolean);
  // Tells password managers which of their passkeys still work (WebAuthn Level 3 §5.1.10).
  const accepted = { rpId, userId: userHandle, allAcceptedCredentialIds: known };
  PublicKeyCredential.signalAllAcceptedCredentials?.(accepted).catch(() => {});
  form.hidden = false;
  button.addEventListener("click", async () => {
    failed.hidden = true;
    button.disabled = true;
    // Where a name is asked for, it is typed in the form next to this one, and no second time.
    const name = form.elements.namedItem("name");
    if (name) name.value = document.getElementById("name").value;
    try {
      const { response } = await navigator.credentials.create({
        publicKey: {
          challenge: bytes(challenge),
          rp: { id: rpId, name: rpName },
          user: { id: bytes(userHandle), name: username, displayName },
          pubKeyCredParams: algorithms.split(" ").map((alg) => ({ type: "public-key", alg: Number(alg) })),
          excludeCredentials: known.map((id) => ({ type: "public-key", id: bytes(id) })),
          authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
          attestation: "none",
        },
      });
      put("client_data", response.clientDataJSON);
      put("authenticator_data", response.getAuthenticatorData());
      put("public_key", response.getPublicKey());
      form.elements.transports.value = response.getTransports().join(" ");
      form.submit();
    } catch {
      failed.hidden = button.disabled = false;
    }
  });
})();
