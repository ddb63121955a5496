const show = (id, text) => { document.getElementById(id).textContent = text || '\u00a0'; };
const clock = s => Math.floor(s / 60) + ':' + String(Math.floor(s % 60)).padStart(2, '0');
const refresh = async () => {
  const answer = await fetch('/api/v1/state');
  if (!answer.ok) { show('state', 'The song is shown on the machine that runs the station, or everywhere with public_api.'); return; }
  const now = await answer.json();
  show('title', now.song ? now.song.title : 'Nothing to play yet');
  show('artist', now.song ? [now.song.artist, now.song.album].filter(Boolean).join(' \u00b7 ')
    : 'Add music: musicdb-stream scan FOLDER');
  show('state', (now.is_playing ? 'Playing' : now.wanted ? 'Waiting' : 'Paused')
    + (now.song ? ' \u00b7 ' + clock(now.position_seconds) + ' of ' + clock(now.duration_seconds) : '')
    + ' \u00b7 ' + now.queue_length + ' in the queue \u00b7 ' + now.listeners + ' listening');
};
const events = new EventSource('/api/v1/events');
for (const name of ['StatusChanged', 'TimeChanged', 'SongChanged', 'SongQueueChanged', 'reset'])
  events.addEventListener(name, refresh);
refresh();
