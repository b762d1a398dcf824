// Advertising of a provider, on the pages alone that have a place for it. The
// server puts the place there only for visitors who consented.

const place = document.querySelector("[data-ad]");

// Consent mode, version 2: everything is denied before anything is loaded, and
// only what the visitor allowed is granted afterwards.
function consentMode({ analytics }) {
  window.dataLayer = window.dataLayer || [];
  // The provider reads the arguments object itself, not an array.
  function gtag() {
    window.dataLayer.push(arguments);
  }
  gtag("consent", "default", {
    ad_storage: "denied",
    ad_user_data: "denied",
    ad_personalization: "denied",
    analytics_storage: "denied",
  });
  gtag("set", "ads_data_redaction", true);
  gtag("consent", "update", {
    ad_storage: "granted",
    ad_user_data: "granted",
    ad_personalization: "granted",
    analytics_storage: analytics ? "granted" : "denied",
  });
}

function load(address) {
  return new Promise((done, failed) => {
    const script = document.createElement("script");
    script.src = address;
    script.async = true;
    script.crossOrigin = "anonymous";
    script.addEventListener("load", done);
    script.addEventListener("error", failed);
    document.head.append(script);
  });
}

const PROVIDERS = {
  async adsense({ client, slot }) {
    const element = document.createElement("ins");
    element.className = "adsbygoogle";
    element.dataset.adClient = client;
    element.dataset.adSlot = slot;
    element.dataset.adFormat = "auto";
    place.append(element);
    window.adsbygoogle = window.adsbygoogle || [];
    window.adsbygoogle.push({});
    const library = "https://pagead2.googlesyndication.com/pagead/js/adsbygoogle.js";
    await load(`${library}?client=${encodeURIComponent(client)}`);
  },
};

if (place) {
  const { provider, client, slot, platform, analytics } = place.dataset;
  consentMode({ analytics: analytics === "true" });
  try {
    if (platform) await load(platform);
    await PROVIDERS[provider]?.({ client, slot });
  } catch {
    // Blocked or unreachable: the page is whole without it.
    place.remove();
  }
}
