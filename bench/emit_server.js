// The same as emit_server.py with Node's own socket.io: a room as the ticket, posts emitted to it and acked.
const { createServer } = require("node:http");
const { Server } = require("socket.io");

const http = createServer();
const io = new Server(http, { transports: ["websocket"] });
let number = 0;
io.of("/case").on("connection", (socket) => {
  const room = socket.handshake.auth.ticket;
  socket.join(room);
  socket.on("message_post", (body, ack) => {
    number += 1;
    io.of("/case").to(room).emit("events_appended", { events: [{ ...body, seq: number }] });
    ack({ ok: true, seq: number });
  });
});
http.listen(0, "127.0.0.1", () => console.log(http.address().port));
