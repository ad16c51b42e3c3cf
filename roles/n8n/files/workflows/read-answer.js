// The server was told which classes there are (response_format). One that does not know that field answers anything:
// so the answer is held against the list again, and nothing is put in the place of what the model did not say.
const { classes, cut } = $('Document').first().json;
const said = $input.first().json;
const refuse = (error) => [{ json: { status: 502, body: { error } } }];

if (said.error) return refuse(`the model did not answer: ${said.error.message ?? said.error}`);
let read;
try {
  read = JSON.parse(said.choices[0].message.content);
} catch {
  return refuse('the model did not answer in JSON');
}
if (!classes.includes(read?.class)) return refuse(`the model chose a class that is not on the list: ${read?.class}`);
if (!read.summary) return refuse('the model wrote no summary');
return [{ json: { status: 200, body: { class: read.class, summary: read.summary, model: said.model, cut } } }];
