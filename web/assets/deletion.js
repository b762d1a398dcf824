// The token stands in the fragment of the deletion link, which browsers never
// send to a server. Here it moves into the form, and out of the address.

const token = location.hash.slice(1);
if (token) {
  document.querySelector("[data-token]").value = token;
  history.replaceState(null, "", location.pathname);
}
