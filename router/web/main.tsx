import { render } from 'preact';
import { App } from './app.tsx';
import { takeKey } from './state/key.ts';
import { chosenTheme, showTheme } from './state/theme.ts';

const storage = () => localStorage;

const root = document.getElementById('app');
showTheme(chosenTheme(storage), document.documentElement, storage);
if (root) render(<App initialKey={takeKey(location, history, sessionStorage)} />, root);
