/* A notebook does not know the address of its site, and "https://site.invalid/" stands for it. A click on the download
   button saves a copy with the address that the reader has. A page that was opened as a file has no such address. */
addEventListener("click", async (event) => {
  const button = event.target.closest("a.launch-button[download]");
  if (!button || location.protocol === "file:") return;
  event.preventDefault();
  const answer = await fetch(button.href);
  const site = new URL("../", button.href);
  const copy = document.createElement("a");
  copy.href = URL.createObjectURL(new Blob([(await answer.text()).replaceAll("https://site.invalid/", site)]));
  copy.download = button.pathname.split("/").pop();
  copy.click();
});
