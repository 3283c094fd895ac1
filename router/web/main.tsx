import { render } from 'preact';
import { App } from './app.tsx';
import { takeKey } from './state/key.ts';

const root = document.getElementById('app');
if (root) render(<App initialKey={takeKey(location, history, sessionStorage)} />, root);
