// The nodemailer client of test_tools.py: one pooled connection, a job on argv, one JSON line a message on stdout.
import nodemailer from "nodemailer";

const job = JSON.parse(process.argv[2]);
const transport = nodemailer.createTransport({
  host: job.host,
  port: job.port,
  secure: false,
  ignoreTLS: true,
  auth: { user: job.user, pass: job.secret },
  authMethod: job.method,
  pool: true,
  maxConnections: 1,
});

for (const { to, subject } of job.messages) {
  const answer = { accepted: [], refused: {}, end: "" };
  const note = (errors) => {
    for (const error of errors ?? []) answer.refused[error.recipient] = error.response;
  };
  try {
    const sent = await transport.sendMail({
      from: "Maison <news@maison.example>",
      to,
      subject,
      text: "Bonjour,\nvoici les nouvelles.\n",
      html: "<p>Bonjour, voici les nouvelles.</p>",
    });
    answer.accepted = sent.accepted;
    answer.end = sent.response;
    note(sent.rejectedErrors);
  } catch (error) {
    note(error.rejectedErrors);
    answer.end = error.response ?? String(error);
  }
  console.log(JSON.stringify(answer));
}
transport.close();
