/* The way out: what is on the page goes at once, and the page does not stay in the history of this tab. */

const leave = document.getElementById("leave");

leave.addEventListener("click", (event) => {
  event.preventDefault();
  document.body.hidden = true;
  document.title = "";
  location.replace(leave.href);
});
// Who comes back with the button of the browser finds an empty page.
addEventListener("pageshow", (event) => event.persisted && location.reload());
