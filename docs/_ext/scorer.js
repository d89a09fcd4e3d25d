/* The order of search results. Sphinx scores how well a page matches: 100 for an entry of the index, 26 for the exact name of a
   module, 15 for a title, 5 for the text. To this the site adds what kind of page it is, so that a page that explains comes
   before a page of code that matches equally well, and before one that matches better by chance. A page whose name has more of
   the words comes before others of its kind. The exact name of a module still comes before a text that mentions it. */
var Scorer = {
  objNameMatch: 11, objPartialMatch: 6, objPrio: { 0: 15, 1: 5, 2: -5 }, objPrioDefault: 0,
  title: 15, partialTitle: 7, term: 5, partialTerm: 2,

  kinds: [
    [/^howto\/|^reference\/errors$/, 20],
    [/^tutorials\//, 18],
    [/^reference\/api\//, 0],
    [/^source\/tests\//, -10],
    [/^source\//, -5],
    [/./, 10],
  ],

  score: ([page, title, anchor, , score]) => {
    const words = new URLSearchParams(location.search).get("q").toLowerCase().match(/[\p{Letter}\p{Number}]+/gu) || [];
    const name = `${page} ${title}`.toLowerCase();
    const named = words.filter((word) => word.length > 2 && name.includes(word)).length;
    return score + Scorer.kinds.find(([pattern]) => pattern.test(page))[1] + named;
  },
};
