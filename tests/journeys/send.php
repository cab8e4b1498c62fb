<?php
// The PHPMailer client of test_tools.py: one kept-alive connection, a job on argv, one JSON line a message on stdout.
require getenv('PHPMAILER');

use PHPMailer\PHPMailer\Exception;
use PHPMailer\PHPMailer\PHPMailer;

$job = json_decode($argv[1], true);
$mailer = new PHPMailer(true);
$mailer->isSMTP();
$mailer->Host = $job['host'];
$mailer->Port = $job['port'];
$mailer->SMTPAuth = true;
$mailer->SMTPAutoTLS = false;
$mailer->AuthType = $job['method'];
$mailer->Username = $job['user'];
$mailer->Password = $job['secret'];
$mailer->SMTPKeepAlive = true;
$mailer->CharSet = 'utf-8';
$mailer->setFrom('news@maison.example', 'Maison');

foreach ($job['messages'] as $message) {
    $answer = ['accepted' => [], 'refused' => new stdClass(), 'end' => ''];
    $mailer->action_function = function ($sent, $to) use (&$answer) {
        if ($sent) {
            $answer['accepted'][] = $to[0][0];
        }
    };
    $mailer->clearAllRecipients();
    foreach ($message['to'] as $to) {
        $mailer->addAddress($to);
    }
    $mailer->Subject = $message['subject'];
    $mailer->isHTML(true);
    $mailer->Body = '<p>Bonjour, voici les nouvelles.</p>';
    $mailer->AltBody = "Bonjour,\nvoici les nouvelles.\n";
    try {
        $mailer->send();
        $answer['end'] = $mailer->getSMTPInstance()->getLastReply();
    } catch (Exception $fault) {
        $answer['end'] = $fault->getMessage();
        foreach ($message['to'] as $to) {
            if (preg_match('/' . preg_quote($to, '/') . ': (.*?\[[A-Z-]+\].*)/', $answer['end'], $found)) {
                $answer['refused']->$to = $found[1];
            }
        }
    }
    echo json_encode($answer), "\n";
}
$mailer->smtpClose();
