// Puts one clock behind a page's camera and microphone: a bust that flashes white while a tone sounds, once a second.
//
// Why: Chromium's own file devices (--use-file-for-fake-video-capture / -audio-capture) are started and looped apart from
// each other; measured here their flash and beep drift apart by 33 ms every second, so that no film of them can be in step.
// Only the two sources are exchanged. The real getUserMedia is still asked: permission, constraints and device list are
// the browser's, and everything behind the tracks (encoders, transports, meters) is the page's own.
(() => {
  const { pitchHz, colour, skin, width, height, rateHz, beatS, hasFlash } = window.__source;
  const realGetUserMedia = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  let shared = null;

  function beepLoop(context) {
    const second = context.createBuffer(1, context.sampleRate, context.sampleRate);
    const samples = second.getChannelData(0);
    const edgeS = 0.004; // soft edges: a hard one clicks on every pitch
    for (let n = 0; n < beatS * context.sampleRate; n += 1) {
      const atS = n / context.sampleRate;
      const gain = Math.min(1, atS / edgeS, (beatS - atS) / edgeS);
      samples[n] = 0.4 * gain * Math.sin(2 * Math.PI * pitchHz * atS);
    }
    return new AudioBufferSourceNode(context, { buffer: second, loop: true });
  }

  function draw(pen, atS) {
    const isBeat = hasFlash && atS % 1 < beatS;
    const sway = Math.sin(atS * 1.3) * width * 0.015;
    pen.fillStyle = isBeat ? "#fff" : colour;
    pen.fillRect(0, 0, width, height);
    if (isBeat) return;
    const unit = Math.min(width, height);
    pen.fillStyle = "rgb(0 0 0 / 18%)";
    pen.fillRect(0, height * 0.72, width, height * 0.28);
    pen.fillStyle = "#232a36";
    pen.beginPath();
    pen.ellipse(width / 2 + sway, height * 1.02, unit * 0.42, unit * 0.36, 0, 0, 2 * Math.PI);
    pen.fill();
    pen.beginPath();
    pen.ellipse(width / 2 + sway, height * 0.45, unit * 0.195, unit * 0.235, 0, 0, 2 * Math.PI);
    pen.fill();
    pen.fillStyle = skin;
    pen.beginPath();
    pen.ellipse(width / 2 + sway, height * 0.49, unit * 0.16, unit * 0.2, 0, 0, 2 * Math.PI);
    pen.fill();
  }

  function build() {
    const context = new AudioContext({ sampleRate: 48000 });
    // A page that was never tapped may not run its clock yet: picture and sound then both wait for the tap.
    const wake = () => void context.resume();
    for (const kind of ["pointerdown", "keydown"]) document.addEventListener(kind, wake, { capture: true });
    const microphone = context.createMediaStreamDestination();
    const canvas = Object.assign(document.createElement("canvas"), { width, height });
    const pen = canvas.getContext("2d");
    const camera = canvas.captureStream(0).getVideoTracks()[0];
    const loop = beepLoop(context);
    const volume = new GainNode(context);
    loop.connect(volume).connect(microphone);
    window.__source.speak = (gain) => (volume.gain.value = gain); // who speaks and who is silent, for pictures
    let startS = null;
    const tick = () => {
      if (startS === null && context.state === "running") {
        startS = context.currentTime + 0.05;
        loop.start(startS);
      }
      const atS = startS === null ? 0 : Math.max(0, context.currentTime - startS);
      draw(pen, atS);
      camera.requestFrame();
      // Ticks lie on the beat: a flash begins with its beep, not up to a frame later.
      setTimeout(tick, (1 / rateHz - (atS % (1 / rateHz))) * 1000);
    };
    tick();
    return { camera, microphone: microphone.stream.getAudioTracks()[0] };
  }

  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await realGetUserMedia(wanted);
    shared ??= build();
    const tracks = stream.getTracks().map((real) => {
      const track = (real.kind === "video" ? shared.camera : shared.microphone).clone();
      const deviceId = real.getSettings().deviceId;
      const getSettings = track.getSettings.bind(track);
      track.getSettings = () => ({ ...getSettings(), deviceId, ...(track.kind === "video" ? { width, height, frameRate: rateHz } : {}) });
      real.stop();
      return track;
    });
    return new MediaStream(tracks);
  };
})();
