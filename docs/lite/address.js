/* A notebook does not know the address of its site, and "https://site.invalid/" stands for it. The lab fills in the address
   when it reads a notebook from the site. The lab is in a folder of the site, and this script is in the lab. */
{
  const site = new URL("../", document.currentScript.src);
  const ask = window.fetch;
  window.fetch = async (...request) => {
    const answer = await ask(...request);
    if (!new URL(answer.url || location).pathname.endsWith(".ipynb")) return answer;
    const text = (await answer.text()).replaceAll("https://site.invalid/", site);
    return new Response(text, { status: answer.status, headers: answer.headers });
  };
}
